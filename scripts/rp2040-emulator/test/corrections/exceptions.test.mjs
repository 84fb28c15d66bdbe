import assert from 'node:assert/strict';
import test from 'node:test';

import { Lockup } from '../../src/fault.mjs';
import * as t from '../support/thumb.mjs';

const { HARD_FAULT, SVCALL, PENDSV, INTERRUPT } = t.Exception;
const NOWHERE = 0x3000_0000;
const COUNT = [t.add(4, 1), t.BX_LR];
/** A handler of faults that notes that it ran, and stays there. */
const NOTE = [t.add(4, 1), t.END];

function word(chip, address) {
    return chip.mcu.readUint32(address);
}

/** The address at which the handler is told that something happened. */
function stackedPc(chip) {
    return word(chip, chip.core.SPmain + 24);
}

for (const [what, code, registers] of [
    ['an undefined instruction', [t.UDF]],
    ['an instruction that the core does not know', [0xb100]],
    ['a breakpoint without a debugger', [t.BKPT]],
    ['a read where there is nothing', [t.LOAD], [0, NOWHERE]],
    ['a write where there is nothing', [t.STORE], [0, NOWHERE]],
    ['a write to flash', [t.STORE], [0, t.FLASH + 0x1000]],
    ['a read of a word that is not aligned', [t.LOAD], [0, t.RAM + 2]],
    ['a write of a word that is not aligned', [t.STORE], [0, t.RAM + 1]],
    ['a read of a half-word that is not aligned', [t.LOAD_HALF], [0, t.RAM + 1]],
]) {
    test(`${what} is a HardFault at the instruction`, () => {
        const chip = t.chipWith([t.NOP, ...code], { handlers: { [HARD_FAULT]: NOTE }, registers });
        t.step(chip, 4);
        assert.equal(chip.core.registers[4], 1);
        assert.equal(chip.core.IPSR, HARD_FAULT);
        assert.equal(stackedPc(chip), t.CODE + 2);
    });
}

for (const [what, code, target] of [
    ['a jump to an even address', [t.BX_R1], t.CODE],
    ['a jump to where there is nothing', [t.BX_R1], NOWHERE | 1],
    ['a jump into the peripherals', [t.BX_R1], 0x4000_0001],
    ['a call through a null pointer', [t.BLX_R1], 0],
]) {
    test(`${what} is a HardFault at the target`, () => {
        const chip = t.chipWith(code, { handlers: { [HARD_FAULT]: NOTE }, registers: [0, target] });
        t.step(chip, 4);
        assert.equal(chip.core.IPSR, HARD_FAULT);
        assert.equal(stackedPc(chip), (target & ~1) >>> 0);
    });
}

test('a handler of faults finds what ran on its stack, and may return past the fault', () => {
    // The handler adds 2 to the stacked PC: LDR r0, [sp, #24]; ADDS r0, #2; STR r0, [sp, #24]; BX LR.
    const skip = [0x9806, t.add(0, 2), 0x9006, t.BX_LR];
    const chip = t.chipWith([t.UDF, t.set(5, 1)], { handlers: { [HARD_FAULT]: skip }, registers: [7, 8, 9, 10] });
    t.step(chip, 7);
    assert.equal(chip.core.registers[5], 1);
    assert.deepEqual([...chip.core.registers.subarray(0, 4)], [7, 8, 9, 10]);
    assert.equal(chip.core.SP, t.STACK);
    assert.equal(chip.core.IPSR, 0);
});

test('a HardFault is taken in spite of PRIMASK', () => {
    const chip = t.chipWith([t.CPSID, t.UDF], { handlers: { [HARD_FAULT]: NOTE } });
    t.step(chip, 4);
    assert.equal(chip.core.registers[4], 1);
});

test('a fault in the handler of faults locks up', () => {
    const chip = t.chipWith([t.UDF], { handlers: { [HARD_FAULT]: [t.UDF] } });
    assert.throws(() => t.step(chip, 4), Lockup);
});

test('a fault without a stack locks up', () => {
    const chip = t.chipWith([t.UDF], { handlers: { [HARD_FAULT]: NOTE } });
    chip.core.SP = t.RAM;
    assert.throws(() => t.step(chip, 4), Lockup);
});

test('a fault in another handler is handled, and the handler goes on', () => {
    const skip = [0x9806, t.add(0, 2), 0x9006, t.BX_LR];
    const handlers = { [HARD_FAULT]: skip, [SVCALL]: [t.UDF, t.add(4, 1), t.BX_LR] };
    const chip = t.chipWith([t.SVC, t.set(5, 1)], { handlers });
    t.step(chip, 12);
    assert.deepEqual([chip.core.registers[4], chip.core.registers[5]], [1, 1]);
    assert.equal(chip.core.IPSR, 0);
});

test('an SVC runs its handler, and the program goes on behind it', () => {
    const chip = t.chipWith([t.SVC, t.set(5, 1)], { handlers: { [SVCALL]: COUNT } });
    t.step(chip, 4);
    assert.deepEqual([chip.core.registers[4], chip.core.registers[5]], [1, 1]);
});

test('an SVC where interrupts are masked is a HardFault', () => {
    const chip = t.chipWith([t.CPSID, t.SVC], { handlers: { [HARD_FAULT]: NOTE, [SVCALL]: COUNT } });
    t.step(chip, 4);
    assert.equal(chip.core.IPSR, HARD_FAULT);
    assert.equal(chip.core.registers[4], 1);
});

test('an SVC in a handler that is as urgent is a HardFault', () => {
    const handlers = { [HARD_FAULT]: NOTE, [SVCALL]: COUNT, [PENDSV]: [t.SVC, t.BX_LR] };
    const chip = t.chipWith([t.NOP], { handlers });
    chip.core.pendingPendSV = true;
    chip.core.interruptsUpdated = true;
    t.step(chip, 4);
    assert.equal(chip.core.IPSR, HARD_FAULT);
});

test('an SVC waits for a more urgent interrupt that comes at the same time', () => {
    const handlers = { [SVCALL]: [t.add(4, 1), t.BX_LR], [INTERRUPT(26)]: [t.add(5, 1), t.BX_LR] };
    const chip = t.chipWith([t.SVC, t.set(6, 1)], { handlers });
    chip.core.SHPR2 = 0xc000_0000;
    chip.core.enabledInterrupts = 1 << 26;
    t.step(chip, 1);
    chip.core.pendingInterrupts = 1 << 26;
    t.step(chip, 1);
    assert.deepEqual([chip.core.registers[4], chip.core.registers[5]], [0, 1]);
    t.step(chip, 4);
    assert.deepEqual([...chip.core.registers.subarray(4, 7)], [1, 1, 1]);
});

test('an exception whose stacking fails on the process stack is taken after the HardFault in its place', () => {
    // The handler of faults gives the thread a good stack, and returns to where it is told: MSR PSP, r0; BX LR.
    const handlers = { [HARD_FAULT]: [t.add(5, 1), t.MSR_PSP, t.BX_LR].flat(), [SVCALL]: COUNT };
    const frame = t.RAM + 0x100;
    const chip = t.chipWith([t.SVC, t.set(6, 1)], { handlers, registers: [frame] });
    chip.mcu.writeUint32(frame + 24, t.CODE + 2);
    chip.mcu.writeUint32(frame + 28, 1 << 24);
    chip.core.writeSpecialRegister(20, 2);
    chip.core.SPprocess = NOWHERE;
    t.step(chip, 1);
    t.step(chip, 1);
    assert.equal(chip.core.IPSR, HARD_FAULT);
    assert.equal(chip.core.LR, 0xfffffffd);
    t.step(chip, 3);
    assert.equal(chip.core.IPSR, SVCALL, 'the SVC is still pending when the HardFault is over');
    t.step(chip, 2);
    assert.deepEqual([...chip.core.registers.subarray(4, 7)], [1, 1, 1]);
});

test('an unstacking that fails is a HardFault with nothing stacked', () => {
    const handlers = { [HARD_FAULT]: NOTE, [SVCALL]: [t.MSR_PSP, t.BX_LR].flat() };
    const chip = t.chipWith([t.SVC], { handlers, registers: [NOWHERE] });
    chip.core.writeSpecialRegister(20, 2);
    chip.core.SPprocess = t.RAM + 0x200;
    t.step(chip, 5);
    assert.equal(chip.core.IPSR, HARD_FAULT);
    assert.equal(chip.core.registers[4], 1);
    assert.equal(chip.core.LR, 0xfffffffd);
    assert.equal(chip.core.SPprocess, NOWHERE);
    assert.equal(chip.core.SPmain, t.STACK);
});

test('a stack that is aligned to words only is aligned for the handler, and given back as it was', () => {
    const chip = t.chipWith([t.SVC], { handlers: { [SVCALL]: COUNT } });
    chip.core.SP = t.STACK - 4;
    t.step(chip, 2);
    assert.equal(chip.core.SP % 8, 0);
    t.step(chip, 1);
    assert.equal(chip.core.SP, t.STACK - 4);
});

test('entering and leaving a handler takes 15 and 11 cycles', () => {
    const chip = t.chipWith([t.SVC, t.NOP], { handlers: { [SVCALL]: [t.NOP, t.BX_LR] } });
    t.step(chip, 1);
    const before = { cycles: chip.cycles, nanos: chip.nanos };
    t.step(chip, 2);
    const bodyCycles = 1 + 2;
    assert.equal(chip.cycles - before.cycles, 15 + bodyCycles + 11);
    assert.equal(chip.nanos - before.nanos, (15 + bodyCycles + 11) * 8);
});

test('the PC in a handler is even', () => {
    const chip = t.chipWith([t.SVC], { handlers: { [SVCALL]: [t.NOP, t.BX_LR] } });
    t.step(chip, 2);
    assert.equal(chip.core.PC, t.handlerAt(SVCALL) + 2);
});
