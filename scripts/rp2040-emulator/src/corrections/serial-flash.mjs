// The flash chip as it is spoken to in commands, which rp2040js lets say 0 to everything.
//
// While flash is mapped the controller does that by itself. Who wants to know something of the chip, such as its serial
// number, has the ROM unmap it, selects the chip by hand, and exchanges byte for byte.

import { replaceRegisters } from '../registers.mjs';

/** The flash controller's registers. */
const RXFLR = 0x24;
const SR = 0x28;
const DR0 = 0x60;
const SR_ALWAYS_ROOM = 0b110;
const SR_RECEIVED = 1 << 3;

/** The pin that selects the chip, and who drives it. */
const SS_CTRL = 0x0c;
const OVERRIDE_SHIFT = 8;
const OVERRIDE_LOW = 2;
const OVERRIDE_HIGH = 3;

/** So many bytes wait to be read at most; those that come later are lost. */
const RECEIVED = 16;

const READ_STATUS_2 = 0x35;
/** All four wires may be used: what second stages look for. */
const STATUS_2 = 0x02;
const READ_SERIAL_NUMBER = 0x4b;
const DUMMY_BYTES = 4;

/** What the emulated chip has for a serial number. */
export const SERIAL_NUMBER = [0xe6, 0x60, 0x50, 0x40, 0x30, 0x20, 0x10, 0x00];

export class SerialFlash {
    #command = null;
    /** Bytes since the command. */
    #position = 0;
    #received = [];
    #override = 0;
    #control = 0;

    /**
     * @param {object} controller the peripheral
     * @param {object} pins the peripheral whose registers say what the pins between them do
     */
    constructor(controller, pins) {
        replaceRegisters(controller, {
            [RXFLR]: { read: () => this.#received.length },
            [SR]: { read: () => SR_ALWAYS_ROOM | (this.#received.length > 0 ? SR_RECEIVED : 0) },
            [DR0]: { read: () => this.#read(), write: (value) => this.#exchange(value & 0xff) },
        });
        replaceRegisters(pins, {
            [SS_CTRL]: { read: () => this.#control, write: (value) => this.#select(value) },
        });
    }

    /** The controller selects the chip again. */
    release() {
        this.#select(0);
    }

    /** What was received and not read is lost, as when the controller is switched off and on. */
    forget() {
        this.#received = [];
        this.#command = null;
    }

    #select(control) {
        this.#control = control;
        this.#override = (control >>> OVERRIDE_SHIFT) & 3;
        if (this.#override !== OVERRIDE_LOW) {
            this.#command = null;
        }
    }

    #exchange(byte) {
        const answer = this.#override === OVERRIDE_HIGH ? 0xff : this.#answer(byte);
        if (this.#received.length < RECEIVED) {
            this.#received.push(answer);
        }
    }

    /** What the chip says while it is told this. */
    #answer(byte) {
        if (this.#command === null) {
            this.#command = byte;
            this.#position = 0;
            return 0xff;
        }
        const position = this.#position++;
        switch (this.#command) {
            case READ_STATUS_2:
                return STATUS_2;
            case READ_SERIAL_NUMBER:
                return SERIAL_NUMBER[position - DUMMY_BYTES] ?? 0xff;
            default:
                return 0;
        }
    }

    #read() {
        const byte = this.#received.shift() ?? 0;
        if (this.#received.length === 0 && this.#override !== OVERRIDE_LOW) {
            // The controller selects the chip for as long as it has something to exchange.
            this.#command = null;
        }
        return byte;
    }
}
