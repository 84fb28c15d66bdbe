// Hand-assembled Thumb: a few instructions, and a chip that runs them.

import { Chip } from '../../src/chip.mjs';
import { checksum } from '../../src/corrections/rom.mjs';

export const FLASH = 0x1000_0000;
export const RAM = 0x2000_0000;
/** Where a program begins; its stack is at the end of RAM's first kilobyte. */
export const CODE = FLASH + 0x200;
export const STACK = RAM + 0x400;
const VECTORS = FLASH + 0x100;
const HANDLERS = FLASH + 0x400;
const HANDLER_SIZE = 0x20;

export const NOP = 0xbf00;
export const WFE = 0xbf20;
export const WFI = 0xbf30;
export const SEV = 0xbf40;
export const CPSIE = 0xb662;
export const CPSID = 0xb672;
export const SVC = 0xdf00;
export const UDF = 0xde00;
export const BKPT = 0xbe00;
export const BX_LR = 0x4770;
export const BX_R1 = 0x4708;
export const BLX_R1 = 0x4788;
/** A jump to itself: where programs end. */
export const END = 0xe7fe;
/** LDR r0, [r1] */
export const LOAD = 0x6808;
/** STR r0, [r1] */
export const STORE = 0x6008;
/** STR r2, [r3] */
export const STORE_R2_R3 = 0x601a;
/** LDRH r0, [r1] */
export const LOAD_HALF = 0x8808;
/** MSR CONTROL, r0; MSR PSP, r0 */
export const MSR_CONTROL = [0xf380, 0x8814];
export const MSR_PSP = [0xf380, 0x8809];
/** MRS r0, CONTROL; MRS r0, PRIMASK */
export const MRS_CONTROL = [0xf3ef, 0x8014];

/** MOVS register, #value */
export const set = (register, value) => 0x2000 | (register << 8) | value;
/** ADDS register, #value: counts how often a handler ran, in a register that is not stacked. */
export const add = (register, value) => 0x3000 | (register << 8) | value;

export const Exception = { HARD_FAULT: 3, SVCALL: 11, PENDSV: 14, SYSTICK: 15, INTERRUPT: (n) => 16 + n };

/**
 * Half-words that store values at addresses, one after the other, and end with some more.
 *
 * @param {[number, number][]} stores address and value
 * @param {number[]} last must not come back
 */
export function storing(stores, last = [WFI, END]) {
    const codeSize = 3 * stores.length + last.length;
    const poolAt = 2 * (codeSize + (codeSize % 2));
    const pool = [];
    const load = (register, at, value) => {
        const fromPc = poolAt + 2 * pool.length - ((at + 4) & ~3);
        pool.push(value & 0xffff, value >>> 16);
        return 0x4800 | (register << 8) | (fromPc / 4);
    };
    const code = stores.flatMap(([address, value], index) => {
        const at = 6 * index;
        return [load(0, at, value), load(1, at + 2, address), STORE];
    });
    return [...code, ...last, ...(codeSize % 2 ? [NOP] : []), ...pool];
}

/**
 * A chip that is about to run a program, privileged and with its stack in RAM.
 *
 * @param {number[]} code half-words
 * @param {object} [options]
 * @param {Object<number, number[]>} [options.handlers] half-words by exception
 * @param {number[]} [options.registers] r0 and up
 */
export function chipWith(code, { handlers = {}, registers = [], ...options } = {}) {
    const chip = new Chip(options);
    const { flashView } = chip.mcu;
    const write = (address, halfWords) =>
        halfWords.flat().forEach((word, index) => flashView.setUint16(address - FLASH + 2 * index, word, true));
    write(CODE, [...code, END]);
    for (const [exception, halfWords] of Object.entries(handlers)) {
        const address = HANDLERS + Number(exception) * HANDLER_SIZE;
        write(address, halfWords);
        flashView.setUint32(VECTORS - FLASH + 4 * Number(exception), address | 1, true);
    }
    chip.core.VTOR = VECTORS;
    chip.core.SP = STACK;
    chip.core.PC = CODE;
    chip.core.registers.set(registers);
    return chip;
}

/**
 * An image that starts a program as a board's would: a second stage with its checksum, vectors, code.
 *
 * @param {number[]} code half-words
 * @param {Object<number, number[]>} [handlers] half-words by exception
 */
export function imageWith(code, handlers = {}) {
    const { flash } = chipWith(code, { handlers }).mcu;
    const bytes = Buffer.from(flash.subarray(0, 0x1000));
    bytes.fill(0, 0, 256);
    // LDR r0, vectors; LDR r1, VTOR; STR r0, [r1]; LDR r1, [r0]; MSR MSP, r1; LDR r1, [r0, #4]; BX r1
    [0x4803, 0x4904, STORE, 0x6801, 0xf381, 0x8808, 0x6841, BX_R1].forEach((word, index) =>
        bytes.writeUInt16LE(word, 2 * index),
    );
    bytes.writeUInt32LE(VECTORS, 16);
    bytes.writeUInt32LE(0xe000_ed08, 20);
    bytes.writeUInt32LE(checksum(bytes.subarray(0, 252)), 252);
    bytes.writeUInt32LE(STACK, VECTORS - FLASH);
    bytes.writeUInt32LE(CODE | 1, VECTORS - FLASH + 4);
    return [{ address: FLASH, bytes }];
}

/** Where a handler begins. */
export function handlerAt(exception) {
    return HANDLERS + exception * HANDLER_SIZE;
}

/** Lets the chip run for some simulated time. */
export function runFor(chip, nanos) {
    const end = chip.nanos + nanos;
    const stop = chip.clock.createAlarm(() => {});
    stop.schedule(nanos);
    while (chip.nanos < end) {
        chip.execute(1);
        if (!chip.tryWake()) {
            chip.clock.tick(chip.clock.nextAlarm.nanos - chip.nanos);
        }
    }
    stop.cancel();
}

/** Lets the chip execute so many instructions, or fewer if it goes to sleep. */
export function step(chip, instructions = 1) {
    chip.execute(instructions);
}

/** Whether the program has come to its end. */
export function hasEnded(chip, halfWords) {
    return chip.core.PC === CODE + 2 * halfWords;
}
