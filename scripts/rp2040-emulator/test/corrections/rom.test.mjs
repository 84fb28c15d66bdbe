import assert from 'node:assert/strict';
import test from 'node:test';

import { BootLoader, checksum } from '../../src/corrections/rom.mjs';
import { Fault, Lockup } from '../../src/fault.mjs';
import * as t from '../support/thumb.mjs';

const { HARD_FAULT } = t.Exception;
/** In RAM: where code runs that must not be in flash. */
const STUB = t.RAM + 0x800;
const DATA = t.RAM + 0x900;
const OFFSET = 0x10_0000;

const letters = (code) => code.charCodeAt(0) | (code.charCodeAt(1) << 8);

/** The address of a function, as an image looks it up. */
function lookUp(chip, code) {
    const { mcu } = chip;
    const table = mcu.readUint16(0x14);
    for (let entry = table; mcu.readUint16(entry) !== 0; entry += 4) {
        if (mcu.readUint16(entry) === letters(code)) {
            return mcu.readUint16(entry + 2);
        }
    }
    return 0;
}

/** Calls a function from code in RAM (or in flash), and returns what is in r0 afterwards. */
function call(chip, target, args = [], from = STUB) {
    const { core, mcu } = chip;
    mcu.writeUint16(STUB, 0x47a0); // BLX r4
    mcu.writeUint16(STUB + 2, t.END);
    core.registers.set(args);
    core.registers[4] = target;
    core.PC = from;
    t.step(chip, 3);
    return core.registers[0];
}

const chip = () => t.chipWith([0x47a0], { handlers: { [HARD_FAULT]: [t.add(6, 1), t.END] } });
const faulted = (chip) => chip.core.registers[6] === 1;

function unmapped() {
    const made = chip();
    call(made, lookUp(made, 'IF'));
    call(made, lookUp(made, 'EX'));
    return made;
}

test('the ROM has its signature and its tables where images look for them', () => {
    const { mcu } = chip();
    assert.deepEqual([0, 1, 2].map((index) => mcu.readUint8(0x10 + index)), [0x4d, 0x75, 1]);
    assert.equal(mcu.readUint16(mcu.readUint16(0x16)), 0);
});

test('its own function finds the others, and says 0 for what it does not have', () => {
    const made = chip();
    const find = made.mcu.readUint16(0x18);
    const table = made.mcu.readUint16(0x14);
    assert.equal(call(made, find, [table, letters('RE')]), lookUp(made, 'RE'));
    assert.equal(call(made, find, [table, letters('??')]), 0);
});

test('erasing sets whole sectors to ones, programming clears bits', () => {
    const made = unmapped();
    made.mcu.flash.fill(0x55, OFFSET, OFFSET + 2 * 4096);
    call(made, lookUp(made, 'RE'), [OFFSET, 4096, 65536, 0xd8]);
    assert.deepEqual([made.mcu.flash[OFFSET + 4095], made.mcu.flash[OFFSET + 4096]], [0xff, 0x55]);
    for (let index = 0; index < 256; index++) {
        made.mcu.writeUint8(DATA + index, index);
    }
    call(made, lookUp(made, 'RP'), [OFFSET + 256, DATA, 256]);
    assert.equal(made.mcu.flash[OFFSET + 256 + 0x13], 0x13);
    made.mcu.writeUint8(DATA + 0x13, 0xf1);
    call(made, lookUp(made, 'RP'), [OFFSET + 256, DATA, 256]);
    assert.equal(made.mcu.flash[OFFSET + 256 + 0x13], 0x11);
    call(made, lookUp(made, 'FC'));
    call(made, lookUp(made, 'CX'));
    assert.ok(!faulted(made));
});

test('what is no whole sector or page is a fault, whose handler is in flash', () => {
    for (const [name, args] of [
        ['RE', [OFFSET + 256, 4096]],
        ['RE', [OFFSET, 100]],
        ['RP', [OFFSET + 1, DATA, 256]],
        ['RP', [OFFSET, DATA, 255]],
        ['RE', [16 * 1024 * 1024, 4096]],
    ]) {
        const made = unmapped();
        assert.throws(() => call(made, lookUp(made, name), args), Lockup, `${name} ${args}`);
    }
});

test('flash that is still in use is not written', () => {
    const made = chip();
    call(made, lookUp(made, 'RE'), [OFFSET, 4096]);
    assert.ok(faulted(made));
});

test('code that takes flash away from under itself faults, and so does the handler', () => {
    const made = chip();
    call(made, lookUp(made, 'EX'), [], t.CODE);
    assert.throws(() => t.step(made, 2), Lockup);
});

test('flash that is not mapped cannot be read', () => {
    const made = unmapped();
    assert.throws(() => made.core.readUint32(t.FLASH), Fault);
    assert.throws(() => made.core.readUint8(t.FLASH + 0x0300_0000), Fault);
    call(made, lookUp(made, 'CX'));
    assert.doesNotThrow(() => made.core.readUint32(t.FLASH));
});

test('the second stage maps flash as well as the ROM does', () => {
    const SSIENR = 0x1800_0008;
    const made = unmapped();
    made.core.writeUint32(SSIENR, 1);
    call(made, lookUp(made, 'FC'), [], t.CODE);
    assert.ok(!faulted(made));
});

test('the boot loader for USB is an end', () => {
    const made = chip();
    assert.throws(() => call(made, lookUp(made, 'UB')), BootLoader);
});

test('a jump into the ROM beside its functions faults', () => {
    for (const target of [0x1, 0x201, 0x3ffd]) {
        const made = chip();
        call(made, target);
        assert.ok(faulted(made), `0x${target.toString(16)}`);
    }
});

test('a second stage starts in RAM if its checksum is right', () => {
    const made = t.chipWith([]);
    made.mcu.flash.fill(0, 0, 256);
    assert.ok(!made.rom.boot());
    made.mcu.flashView.setUint32(252, checksum(made.mcu.flash.subarray(0, 252)), true);
    assert.ok(made.rom.boot());
    assert.equal(made.core.PC, 0x2004_1f00);
    assert.equal(made.core.SP, 0x2004_1f00);
    assert.equal(made.core.LR, 0);
});
