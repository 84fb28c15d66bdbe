// WFI, WFE and SEV.
//
// In rp2040js an interrupt that is pending already does not end a WFI, a tick of SysTick never does, an interrupt that
// arrives in a WFI with interrupts masked is taken in spite of the mask, and SEV does nothing. Each of these breaks the
// race-free way to idle: mask, look for work, WFI, unmask.
//
// On the chip a WFI ends when an exception is pending that could be taken if PRIMASK were clear; it is taken once the
// mask is lifted. A WFE ends when an exception is taken, or on an event: SEV, or the entry or return of an exception since
// the last WFE.

import { replaceRegisters } from '../registers.mjs';

const WFE = 0xbf20;
const SCR = 0xd10;

export class Sleep {
    #mcu;
    #exceptions;

    /**
     * @param {RP2040} mcu
     * @param {Exceptions} exceptions
     * @param {(text: string) => void} report is told what the image asks for in vain
     */
    constructor(mcu, exceptions, report) {
        this.#mcu = mcu;
        this.#exceptions = exceptions;
        replaceRegisters(mcu.ppb, {
            [SCR]: {
                write: (value) => {
                    if (value !== 0) {
                        report('sleep on exit, deep sleep and events by pending interrupts (SCR) are not emulated');
                    }
                },
            },
        });
    }

    /** SEV was executed. */
    sendEvent() {
        this.#mcu.core.eventRegistered = true;
    }

    /** Ends the sleep, if something pending ends it; `true` when the core is awake. */
    tryWake() {
        const { core } = this.#mcu;
        const ofEvents = this.#mcu.readUint16(core.PC - 2) === WFE;
        if (ofEvents && core.eventRegistered) {
            core.eventRegistered = false;
            core.waiting = false;
        } else if (this.#exceptions.isPending({ maskCounts: ofEvents })) {
            core.waiting = false;
            core.interruptsUpdated = true;
        }
        return !core.waiting;
    }
}
