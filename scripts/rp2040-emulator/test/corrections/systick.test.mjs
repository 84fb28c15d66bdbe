import assert from 'node:assert/strict';
import test from 'node:test';

import * as t from '../support/thumb.mjs';

const CSR = 0xe000_e010;
const RVR = 0xe000_e014;
const CVR = 0xe000_e018;
const ON = 1;
const INTERRUPT = 2;
const CORE_CLOCK = 4;
const COUNTFLAG = 1 << 16;
const CYCLE = 8;

/** A chip that sleeps, with SysTick just started. */
function chip({ reload, control = ON | INTERRUPT | CORE_CLOCK }) {
    const made = t.chipWith([t.WFI, 0xe7fd], { handlers: { [t.Exception.SYSTICK]: [t.add(4, 1), t.BX_LR] } });
    made.core.writeUint32(RVR, reload);
    made.core.writeUint32(CVR, 0);
    made.core.writeUint32(CSR, control);
    return made;
}

const pass = (chip, nanos) => chip.clock.tick(nanos);
const count = (chip) => chip.core.readUint32(CVR);
const flag = (chip) => (chip.core.readUint32(CSR) & COUNTFLAG) !== 0;

test('the count goes from the reload value to zero, and a round is one tick longer than that', () => {
    const made = chip({ reload: 3 });
    const counts = [];
    for (let tick = 0; tick < 9; tick++) {
        counts.push(count(made));
        pass(made, CYCLE);
    }
    assert.deepEqual(counts, [0, 3, 2, 1, 0, 3, 2, 1, 0]);
});

test('clearing the count does not tick; the step from one to zero does', () => {
    const made = chip({ reload: 3 });
    assert.ok(!made.core.pendingSystick);
    pass(made, 4 * CYCLE - 1);
    assert.ok(!made.core.pendingSystick);
    pass(made, 1);
    assert.ok(made.core.pendingSystick);
});

test('ticks come at the rate asked for, through a WFI', () => {
    const made = chip({ reload: 124_999 });
    t.runFor(made, 10.5e6);
    assert.equal(made.core.registers[4], 10);
});

test('the flag says that zero was reached since it was last read, with or without the interrupt', () => {
    const made = chip({ reload: 9, control: ON | CORE_CLOCK });
    assert.ok(!flag(made));
    pass(made, 10 * CYCLE);
    assert.ok(flag(made));
    assert.ok(!flag(made));
    pass(made, 35 * CYCLE);
    assert.ok(flag(made));
    assert.ok(!made.core.pendingSystick);
});

test('without a reload value it counts to zero once and stops', () => {
    const made = chip({ reload: 3 });
    pass(made, CYCLE);
    made.core.writeUint32(RVR, 0);
    pass(made, 3 * CYCLE);
    assert.ok(made.core.pendingSystick);
    made.core.pendingSystick = false;
    pass(made, 1000 * CYCLE);
    assert.equal(count(made), 0);
    assert.ok(!made.core.pendingSystick);
});

test('switched off it stands still, and goes on from there', () => {
    const made = chip({ reload: 99 });
    pass(made, 11 * CYCLE);
    made.core.writeUint32(CSR, 0);
    pass(made, 1000 * CYCLE);
    assert.equal(count(made), 89);
    made.core.writeUint32(CSR, ON | CORE_CLOCK);
    pass(made, CYCLE);
    assert.equal(count(made), 88);
});

test('with the reference clock it counts microseconds', () => {
    const made = chip({ reload: 99, control: ON });
    pass(made, 1000);
    assert.equal(count(made), 99);
    pass(made, 10_000);
    assert.equal(count(made), 89);
});

test('a tick that nobody may be told of rings no clock', () => {
    const made = chip({ reload: 99, control: ON | CORE_CLOCK });
    assert.equal(made.clock.nextAlarm, null);
});
