import assert from 'node:assert/strict';
import test from 'node:test';

import * as t from '../support/thumb.mjs';

const IRQ = 5;
const BIT = 1 << IRQ;
const PPB = 0xe000_e000;
const ISPR = PPB + 0x200;
const ICPR = PPB + 0x280;

function chip(code = [t.NOP]) {
    const made = t.chipWith(code, { handlers: { [t.Exception.INTERRUPT(IRQ)]: [t.add(4, 1), t.BX_LR] } });
    made.core.enabledInterrupts = BIT;
    return made;
}

const taken = (chip) => chip.core.registers[4];

test('an interrupt stays pending when the peripheral asks no more', () => {
    const made = chip([t.CPSID, t.NOP, t.CPSIE]);
    t.step(made, 1);
    made.mcu.setInterrupt(IRQ, true);
    made.mcu.setInterrupt(IRQ, false);
    t.runFor(made, 1000);
    assert.equal(taken(made), 1);
});

test('an interrupt is taken again and again while the peripheral asks', () => {
    const made = chip();
    made.mcu.setInterrupt(IRQ, true);
    t.runFor(made, 10_000);
    assert.ok(taken(made) > 5);
    made.mcu.setInterrupt(IRQ, false);
    t.runFor(made, 1000);
    const before = taken(made);
    t.runFor(made, 10_000);
    assert.equal(taken(made), before);
});

test('an interrupt that is pended by software is taken once', () => {
    const made = chip();
    made.core.writeUint32(ISPR, BIT);
    t.runFor(made, 10_000);
    assert.equal(taken(made), 1);
});

test('software clears what is pending, but not what a peripheral asks for', () => {
    const made = chip([t.CPSID]);
    t.step(made, 1);
    made.core.writeUint32(ISPR, BIT);
    made.core.writeUint32(ICPR, BIT);
    assert.equal(made.core.readUint32(ISPR), 0);
    made.mcu.setInterrupt(IRQ, true);
    made.core.writeUint32(ICPR, BIT);
    assert.equal(made.core.readUint32(ISPR), BIT);
});
