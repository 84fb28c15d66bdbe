// The MPU and privilege.

import assert from 'node:assert/strict';
import test from 'node:test';

import * as t from '../support/thumb.mjs';

const { HARD_FAULT, SVCALL } = t.Exception;
const MPU_TYPE = 0xe000_ed90;
const MPU_CTRL = 0xe000_ed94;
const MPU_RNR = 0xe000_ed98;
const MPU_RBAR = 0xe000_ed9c;
const MPU_RASR = 0xe000_eda0;
const VTOR = 0xe000_ed08;

const ENABLE = 1;
const IN_FAULTS = 2;
const DEFAULT_MAP = 4;

const NO_ACCESS = 0;
const PRIVILEGED = 1 << 24;
const READABLE_BY_ALL = 2 << 24;
const FULL_ACCESS = 3 << 24;
const READ_ONLY = 6 << 24;
const EXECUTE_NEVER = 1 << 28;

const UNPRIVILEGED = 1;
const ON_PROCESS_STACK = 2;

const PAGE = t.RAM + 0x1000;
const NOTE = [t.add(4, 1), t.END];

function region(chip, number, base, sizeLog2, attributes) {
    chip.core.writeUint32(MPU_RBAR, base | 0x10 | number);
    chip.core.writeUint32(MPU_RASR, attributes | ((sizeLog2 - 1) << 1) | 1);
}

/** A thread that loads from, or stores to, an address; its code and stack are covered by regions 0 and 1. */
function thread(code, address, { control = 0, mpu = ENABLE | DEFAULT_MAP, more = () => {}, handlers = {} } = {}) {
    const chip = t.chipWith(code, { handlers: { [HARD_FAULT]: NOTE, ...handlers }, registers: [0, address] });
    region(chip, 0, t.FLASH, 24, READ_ONLY);
    region(chip, 1, t.RAM, 10, FULL_ACCESS);
    more(chip);
    chip.core.SPprocess = t.RAM + 0x200;
    chip.core.writeUint32(MPU_CTRL, mpu);
    chip.core.writeSpecialRegister(20, control);
    return chip;
}

function faults(chip) {
    t.step(chip, 6);
    return chip.core.registers[4] === 1;
}

test('there are eight regions, and their registers read back', () => {
    const { core } = t.chipWith([]);
    assert.equal(core.readUint32(MPU_TYPE), 0x800);
    core.writeUint32(MPU_RNR, 3);
    core.writeUint32(MPU_RBAR, 0x2000_1000);
    core.writeUint32(MPU_RASR, 0x0300_0013);
    core.writeUint32(MPU_RNR, 4);
    assert.equal(core.readUint32(MPU_RASR), 0);
    core.writeUint32(MPU_RBAR, 0x13);
    assert.equal(core.readUint32(MPU_RNR), 3);
    assert.equal(core.readUint32(MPU_RASR), 0x0300_0013);
    core.writeUint32(MPU_CTRL, 0xff);
    assert.equal(core.readUint32(MPU_CTRL), 7);
});

for (const [name, attributes, { own, others }] of [
    ['no access', NO_ACCESS, { own: '', others: '' }],
    ['privileged access', PRIVILEGED, { own: 'rw', others: '' }],
    ['reading by all', READABLE_BY_ALL, { own: 'rw', others: 'r' }],
    ['full access', FULL_ACCESS, { own: 'rw', others: 'rw' }],
    ['reading only', READ_ONLY, { own: 'r', others: 'r' }],
]) {
    test(`a region of ${name} allows that, and nothing more`, () => {
        for (const [code, right] of [
            [t.LOAD, 'r'],
            [t.STORE, 'w'],
        ]) {
            for (const [control, allowed] of [
                [0, own],
                [UNPRIVILEGED, others],
            ]) {
                const more = (chip) => region(chip, 2, PAGE, 8, attributes);
                const chip = thread([code], PAGE, { control, more });
                assert.equal(faults(chip), !allowed.includes(right), `${right} with CONTROL ${control}`);
            }
        }
    });
}

test('what no region covers is for privileged code, and only if the default map is on', () => {
    assert.ok(!faults(thread([t.LOAD], PAGE)));
    assert.ok(faults(thread([t.LOAD], PAGE, { mpu: ENABLE })));
    assert.ok(faults(thread([t.LOAD], PAGE, { control: UNPRIVILEGED })));
});

test('a region covers its size, without the parts that are switched off', () => {
    const withoutThirdPart = FULL_ACCESS | (1 << (8 + 2));
    const more = (chip) => region(chip, 2, PAGE, 11, withoutThirdPart);
    for (const [offset, refused] of [
        [-4, true],
        [0, false],
        [0x1fc, false],
        [0x200, true],
        [0x2fc, true],
        [0x300, false],
        [0x7fc, false],
        [0x800, true],
    ]) {
        assert.equal(faults(thread([t.LOAD], PAGE + offset, { control: UNPRIVILEGED, more })), refused, `${offset}`);
    }
});

test('where regions overlap, the higher number decides', () => {
    const openBelow = (chip) => (region(chip, 2, PAGE, 8, FULL_ACCESS), region(chip, 3, PAGE, 12, PRIVILEGED));
    const openAbove = (chip) => (region(chip, 3, PAGE, 8, FULL_ACCESS), region(chip, 2, PAGE, 12, PRIVILEGED));
    assert.ok(faults(thread([t.STORE], PAGE, { control: UNPRIVILEGED, more: openBelow })));
    assert.ok(!faults(thread([t.STORE], PAGE, { control: UNPRIVILEGED, more: openAbove })));
});

test('code does not run where execution is forbidden', () => {
    for (const [attributes, refused] of [
        [FULL_ACCESS, false],
        [FULL_ACCESS | EXECUTE_NEVER, true],
    ]) {
        const more = (chip) => {
            region(chip, 2, PAGE, 8, attributes);
            chip.mcu.writeUint16(PAGE, t.END);
        };
        assert.equal(faults(thread([t.BX_R1], PAGE | 1, { more })), refused);
    }
});

test('the handler of faults is free of the MPU, unless it asked not to be', () => {
    const handlers = { [HARD_FAULT]: [t.LOAD, t.add(4, 1), t.END] };
    const more = (chip) => region(chip, 2, PAGE, 8, NO_ACCESS);
    assert.ok(faults(thread([t.UDF], PAGE, { more, handlers })));
    const strict = thread([t.UDF], PAGE, { more, handlers, mpu: ENABLE | DEFAULT_MAP | IN_FAULTS });
    assert.throws(() => t.step(strict, 6));
});

test('a thread without privilege cannot give it to itself', () => {
    // MSR CONTROL, r0 with r0 = 0, then MRS r0, CONTROL.
    const chip = thread([...t.MSR_CONTROL, ...t.MRS_CONTROL], 0, { control: UNPRIVILEGED, mpu: 0 });
    t.step(chip, 3);
    assert.equal(chip.core.registers[0], UNPRIVILEGED);
});

test('a thread without privilege cannot mask interrupts, and is not told', () => {
    const chip = thread([t.CPSID, t.set(5, 1)], 0, { control: UNPRIVILEGED, mpu: 0 });
    t.step(chip, 3);
    assert.equal(chip.core.PM, false);
    assert.equal(chip.core.registers[5], 1);
    assert.equal(chip.core.registers[4], 0);
});

test('a thread without privilege cannot look at the core, even where a region would let it', () => {
    const more = (chip) => region(chip, 7, 0, 32, FULL_ACCESS);
    assert.ok(faults(thread([t.LOAD], VTOR, { control: UNPRIVILEGED, more })));
    assert.ok(!faults(thread([t.LOAD], VTOR)));
});

test('a handler is privileged, and the thread it returns to is not', () => {
    const handlers = { [SVCALL]: [t.LOAD, t.add(5, 1), t.BX_LR] };
    const control = UNPRIVILEGED | ON_PROCESS_STACK;
    const chip = thread([t.SVC, t.LOAD], VTOR, { control, handlers });
    t.step(chip, 4);
    assert.equal(chip.core.registers[5], 1, 'the handler may read it');
    t.step(chip, 2);
    assert.equal(chip.core.IPSR, HARD_FAULT, 'the thread may not');
});

test('a thread whose stack the MPU refuses is stopped when an exception would be stacked there', () => {
    const handlers = { [SVCALL]: [t.END] };
    const control = UNPRIVILEGED | ON_PROCESS_STACK;
    const chip = thread([t.SVC], 0, { control, handlers });
    chip.core.SPprocess = PAGE + 0x80;
    t.step(chip, 3);
    assert.equal(chip.core.IPSR, HARD_FAULT);
    assert.equal(chip.mcu.readUint32(PAGE + 0x60 + 24), 0, 'nothing was written there');
});
