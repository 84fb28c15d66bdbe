// The NVIC's memory of interrupts.
//
// In rp2040js a peripheral's interrupt is pending exactly while the peripheral asks for it: it is never pended by
// software for long, and cannot be cleared. The NVIC of the chip latches: an interrupt becomes pending when the
// peripheral starts to ask, and stays so until its handler is entered or software clears it, even if the peripheral
// asks no more. When the handler returns, a peripheral that still asks makes it pending again.
//
// ```text
//  line    ____/‾‾‾‾‾‾‾‾‾‾‾\________/‾\______________
//  handler ______[=====][====]_________ masked ______
//  pending ____/‾\____/‾\___________/‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾
// ```

import { replaceRegisters } from '../registers.mjs';

const NVIC_ICPR = 0x280;

export class Interrupts {
    #core;
    /** Which peripherals ask, a bit each. */
    #lines = 0;

    /** @param {RP2040} mcu */
    constructor(mcu) {
        const { core } = mcu;
        this.#core = core;
        core.setInterrupt = (interrupt, asks) => this.#setLine(1 << interrupt, asks);
        replaceRegisters(mcu.ppb, {
            [NVIC_ICPR]: {
                read: () => core.pendingInterrupts,
                write: (value) => {
                    core.pendingInterrupts &= ~value;
                    this.#pend(this.#lines & value);
                },
            },
        });
    }

    /** The handler of an interrupt is entered. */
    enter(interrupt) {
        this.#core.pendingInterrupts &= ~(1 << interrupt);
    }

    /** The handler of an interrupt has returned. */
    leave(interrupt) {
        this.#pend(this.#lines & (1 << interrupt));
    }

    #setLine(bit, asks) {
        const asked = (this.#lines & bit) !== 0;
        if (asks && !asked) {
            this.#lines |= bit;
            this.#pend(bit);
        } else if (!asks) {
            this.#lines &= ~bit;
        }
    }

    #pend(bits) {
        if (bits !== 0) {
            this.#core.pendingInterrupts |= bits;
            this.#core.interruptsUpdated = true;
        }
    }
}
