import assert from 'node:assert/strict';
import test from 'node:test';

import * as t from '../support/thumb.mjs';

const IRQ = 26;
const BIT = 1 << IRQ;
const HANDLER = { [t.Exception.INTERRUPT(IRQ)]: [t.add(4, 1), t.BX_LR] };

function chip(code, options = {}) {
    const made = t.chipWith(code, { handlers: HANDLER, ...options });
    made.core.enabledInterrupts = BIT;
    return made;
}

function pend(chip) {
    chip.core.pendingInterrupts |= BIT;
    chip.core.interruptsUpdated = true;
}

test('a WFI with an interrupt pending behind the mask goes on, and the handler waits for the mask', () => {
    const made = chip([t.CPSID, t.NOP, t.WFI, t.set(5, 1), t.CPSIE, t.NOP]);
    t.step(made, 2);
    pend(made);
    t.step(made, 2);
    assert.ok(made.tryWake());
    t.step(made, 1);
    assert.equal(made.core.registers[5], 1);
    assert.equal(made.core.registers[4], 0);
    t.runFor(made, 1000);
    assert.equal(made.core.registers[4], 1);
});

test('an interrupt that comes into a masked WFI ends it without running its handler', () => {
    const made = chip([t.CPSID, t.WFI, t.NOP]);
    t.step(made, 5);
    assert.ok(!made.tryWake());
    made.mcu.setInterrupt(IRQ, true);
    assert.ok(made.tryWake());
    t.runFor(made, 1000);
    assert.equal(made.core.registers[4], 0);
    assert.ok(t.hasEnded(made, 3));
});

test('an interrupt that comes into a WFI is taken, and the program goes on behind it', () => {
    const made = chip([t.WFI, t.set(5, 1)]);
    t.step(made, 5);
    pend(made);
    assert.ok(made.tryWake());
    t.runFor(made, 1000);
    assert.deepEqual([made.core.registers[4], made.core.registers[5]], [1, 1]);
});

test('an interrupt that is not enabled does not end a WFI', () => {
    const made = chip([t.WFI]);
    made.core.enabledInterrupts = 0;
    t.step(made, 5);
    pend(made);
    assert.ok(!made.tryWake());
});

test('an interrupt no more urgent than the handler that sleeps does not end its WFI', () => {
    const made = chip([t.NOP], { handlers: { ...HANDLER, [t.Exception.PENDSV]: [t.WFI, t.END] } });
    made.core.pendingPendSV = true;
    made.core.interruptsUpdated = true;
    t.step(made, 5);
    pend(made);
    assert.ok(!made.tryWake());
    // PendSV made less urgent: now it does.
    made.core.SHPR3 = 3 << 22;
    assert.ok(made.tryWake());
});

test('a tick of SysTick ends a WFI', () => {
    const made = t.chipWith([t.WFI], { handlers: { [t.Exception.SYSTICK]: [t.add(4, 1), t.BX_LR] } });
    t.step(made, 5);
    made.core.pendingSystick = true;
    assert.ok(made.tryWake());
    t.runFor(made, 1000);
    assert.equal(made.core.registers[4], 1);
});

test('a WFE after a SEV goes on, and the next one sleeps until the next event', () => {
    const made = chip([t.SEV, t.WFE, t.WFE, t.NOP]);
    t.step(made, 10);
    assert.equal(made.core.PC, t.CODE + 6);
    assert.ok(!made.tryWake());
    made.core.eventRegistered = true;
    assert.ok(made.tryWake());
    t.step(made, 2);
    assert.ok(t.hasEnded(made, 4));
});

test('a masked interrupt ends no WFE', () => {
    const made = chip([t.CPSID, t.WFE]);
    t.step(made, 5);
    pend(made);
    assert.ok(!made.tryWake());
});
