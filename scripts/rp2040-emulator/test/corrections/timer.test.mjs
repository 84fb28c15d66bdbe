import assert from 'node:assert/strict';
import test from 'node:test';

import * as t from '../support/thumb.mjs';

const TIMER = 0x4005_4000;
const ALARM_0 = TIMER + 0x10;
const ARMED = TIMER + 0x20;
const TIMERAWL = TIMER + 0x28;
const INTR = TIMER + 0x34;

const isRinging = (chip) => (chip.core.readUint32(INTR) & 1) !== 0;

test('an alarm rings when the count reaches it, and not earlier', () => {
    const chip = t.chipWith([]);
    chip.clock.tick(104_999);
    chip.core.writeUint32(ALARM_0, 110);
    chip.clock.tick(5000);
    assert.equal(chip.core.readUint32(TIMERAWL), 109);
    assert.ok(!isRinging(chip));
    chip.clock.tick(1);
    assert.equal(chip.core.readUint32(TIMERAWL), 110);
    assert.ok(isRinging(chip));
    assert.equal(chip.core.readUint32(ARMED), 0);
});

test('an alarm that is set to the count of this moment has been missed', () => {
    const chip = t.chipWith([]);
    chip.clock.tick(5500);
    chip.core.writeUint32(ALARM_0, 5);
    chip.clock.tick(60e9);
    assert.ok(!isRinging(chip));
    chip.clock.tick(2 ** 32 * 1000 - 60e9);
    assert.ok(isRinging(chip));
});
