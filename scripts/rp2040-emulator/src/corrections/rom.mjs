// The boot ROM: starts the second stage from flash, and offers the functions that write flash.
//
// The package brings no ROM. This one has the tables of the real one at their places, and functions that are a
// breakpoint and a return each; what they do is done here, in no time. Everything else in it is an undefined
// instruction, so that a jump through a null pointer faults at once.
//
// ```text
//  0x10 'M' 'u' 1 2 │ 0x14 functions │ 0x16 data │ 0x18 lookup
//                          │              └──▶ (end)
//                          └──▶ 'I' 'F' address, 'E' 'X' address, ... (end)
// ```
//
// Flash is erased and programmed as on the board: whole sectors to ones, whole pages from ones to zeros. Meanwhile it
// cannot be read, so code that runs from flash must not be what calls: the guard faults.

import { Fault } from '../fault.mjs';
import { FLASH, RAM } from '../memory-map.mjs';
import { replaceRegisters } from '../registers.mjs';

const SECOND_STAGE = 256;
/** Where the second stage runs: at the end of RAM, where its stack is too. */
const SECOND_STAGE_AT = RAM.start + 0x41f00;

const SECTOR = 4096;
const PAGE = 256;

const FLASH_CONTROLLER = 0x18000;
/** Switches the flash controller on: the second stage does so when it has set up reading. */
const SSIENR = 0x08;

const BREAKPOINT = 0xbe00;
const RETURN = 0x4770;
const UNDEFINED_TWICE = 0xdede_dede;

const HEADER_AT = 0x10;
const FUNCTION_TABLE_AT = 0x20;
const CODE_AT = 0x100;

/** The chip waits for an image over USB. Thrown as the faults are. */
export class BootLoader {}

export class Rom {
    #mcu;
    #guard;
    #serialFlash;
    #functions;

    /**
     * @param {RP2040} mcu
     * @param {Guard} guard is told when flash cannot be read
     * @param {SerialFlash} serialFlash is spoken to while flash cannot be read
     */
    constructor(mcu, guard, serialFlash) {
        this.#mcu = mcu;
        this.#guard = guard;
        this.#serialFlash = serialFlash;
        this.#functions = [
            { code: 'IF', run: () => {} },
            { code: 'EX', run: () => this.#unmap() },
            { code: 'RE', run: (offset, length) => this.#erase(offset, length) },
            { code: 'RP', run: (offset, data, length) => this.#program(offset, data, length) },
            { code: 'FC', run: () => serialFlash.release() },
            { code: 'CX', run: () => (guard.flashIsMapped = true) },
            {
                code: 'UB',
                run: () => {
                    throw new BootLoader();
                },
            },
            { run: (table, code) => this.#lookUp(table, code) },
        ];
        this.#write();
        let enabled = 0;
        replaceRegisters(mcu.peripherals[FLASH_CONTROLLER], {
            [SSIENR]: {
                read: () => enabled,
                write: (value) => {
                    enabled = value & 1;
                    guard.flashIsMapped ||= enabled === 1;
                },
            },
        });
    }

    /**
     * Starts the image in flash: its first 256 bytes, if their checksum is right, run from RAM.
     *
     * @returns {boolean} whether there is an image
     */
    boot() {
        const { core, flash, flashView, sram } = this.#mcu;
        if (checksum(flash.subarray(0, SECOND_STAGE - 4)) !== flashView.getUint32(SECOND_STAGE - 4, true)) {
            return false;
        }
        sram.set(flash.subarray(0, SECOND_STAGE), SECOND_STAGE_AT - RAM.start);
        core.PC = SECOND_STAGE_AT;
        core.SP = SECOND_STAGE_AT;
        core.LR = 0;
        return true;
    }

    /**
     * A breakpoint was executed at `pc`; `true` if it was a function of the ROM, which has been done.
     *
     * @throws {Fault} when what the function was asked for cannot be done
     */
    serve(pc, number) {
        if (number >= this.#functions.length || pc !== addressOf(number)) {
            return false;
        }
        const { core } = this.#mcu;
        const [r0, r1, r2] = core.registers;
        const result = this.#functions[number].run(r0, r1, r2);
        core.registers[0] = typeof result === 'number' ? result : r0;
        return true;
    }

    #unmap() {
        this.#guard.flashIsMapped = false;
        this.#serialFlash.forget();
    }

    #write() {
        const { bootrom } = this.#mcu;
        bootrom.fill(UNDEFINED_TWICE);
        const view = new DataView(bootrom.buffer);
        this.#functions.forEach((_function, number) => {
            view.setUint16(addressOf(number), BREAKPOINT | number, true);
            view.setUint16(addressOf(number) + 2, RETURN, true);
        });
        const named = this.#functions.filter(({ code }) => code);
        const tableEnd = FUNCTION_TABLE_AT + 4 * named.length;
        named.forEach(({ code }, number) => {
            view.setUint16(FUNCTION_TABLE_AT + 4 * number, twoLetters(code), true);
            view.setUint16(FUNCTION_TABLE_AT + 4 * number + 2, addressOf(number) | 1, true);
        });
        view.setUint16(tableEnd, 0, true);
        view.setUint32(HEADER_AT, twoLetters('Mu') | (1 << 16) | (2 << 24), true);
        view.setUint16(HEADER_AT + 4, FUNCTION_TABLE_AT, true);
        // The table of data is empty: it shares the end of the other.
        view.setUint16(HEADER_AT + 6, tableEnd, true);
        view.setUint16(HEADER_AT + 8, addressOf(named.length) | 1, true);
    }

    #lookUp(table, code) {
        const { core } = this.#mcu;
        for (let entry = table; core.readUint16(entry) !== 0; entry += 4) {
            if (core.readUint16(entry) === (code & 0xffff)) {
                return core.readUint16(entry + 2);
            }
        }
        return 0;
    }

    #erase(offset, length) {
        this.#checkRange(offset, length, SECTOR, 'erase');
        this.#mcu.flash.fill(0xff, offset, offset + length);
    }

    #program(offset, data, length) {
        this.#checkRange(offset, length, PAGE, 'program');
        const { core, flash } = this.#mcu;
        for (let index = 0; index < length; index++) {
            flash[offset + index] &= core.readUint8(data + index);
        }
    }

    #checkRange(offset, length, unit, what) {
        if (this.#guard.flashIsMapped) {
            throw new Fault(`${what} of flash that is in use: flash_exit_xip comes first`, offset);
        }
        if (offset % unit !== 0 || length % unit !== 0 || offset + length > FLASH.size) {
            throw new Fault(`${what} of flash that is no row of whole ${unit} bytes`, offset);
        }
    }
}

/** CRC-32 as the ROM computes it: from the highest bit, without the final inversion. */
export function checksum(bytes) {
    let crc = 0xffff_ffff;
    for (const byte of bytes) {
        crc ^= byte << 24;
        for (let bit = 0; bit < 8; bit++) {
            crc = crc & 0x8000_0000 ? (crc << 1) ^ 0x04c1_1db7 : crc << 1;
        }
    }
    return crc >>> 0;
}

function addressOf(number) {
    return CODE_AT + 4 * number;
}

function twoLetters(code) {
    return code.charCodeAt(0) | (code.charCodeAt(1) << 8);
}
