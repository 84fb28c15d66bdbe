import assert from 'node:assert/strict';
import test from 'node:test';

import { Chip } from '../../src/chip.mjs';
import { Reset } from '../../src/fault.mjs';
import * as t from '../support/thumb.mjs';

const AIRCR = 0xe000_ed0c;
const RESET_REQUEST = 0x05fa_0004;
const WATCHDOG = 0x4005_8000;
const CTRL = WATCHDOG;
const LOAD = WATCHDOG + 0x04;
const REASON = WATCHDOG + 0x08;
const SCRATCH2 = WATCHDOG + 0x14;
const ENABLE = 1 << 30;
const TRIGGER = (1 << 31) >>> 0;
const PSM_WDSEL = 0x4001_0008;
const CORE_0 = 1 << 15;
const CHIP_RESET = 0x4006_4008;

/** What a chip ends with. */
function cause(chip, nanos = 1e6) {
    try {
        t.runFor(chip, nanos);
    } catch (reset) {
        assert.ok(reset instanceof Reset, `${reset}`);
        return reset.cause;
    }
    return 'nothing';
}

test('the core resets the chip on request, with the right key only', () => {
    assert.equal(cause(t.chipWith([t.STORE], { registers: [RESET_REQUEST, AIRCR] })), 'core');
    assert.equal(cause(t.chipWith([t.STORE], { registers: [0x05fb_0004, AIRCR] })), 'nothing');
});

test('the watchdog resets the chip when it is not fed, to the microsecond', () => {
    const chip = t.chipWith([t.WFI]);
    chip.core.writeUint32(PSM_WDSEL, CORE_0);
    // It counts down twice per microsecond.
    chip.core.writeUint32(LOAD, 2 * 20_000);
    chip.core.writeUint32(CTRL, ENABLE);
    assert.equal(cause(chip, 19.999e6), 'nothing');
    assert.ok(chip.isWatchdogRunning);
    assert.equal(cause(chip, 0.002e6), 'watchdog timer');
});

test('a watchdog that is fed does nothing', () => {
    const chip = t.chipWith([t.WFI]);
    chip.core.writeUint32(PSM_WDSEL, CORE_0);
    chip.core.writeUint32(CTRL, ENABLE);
    for (let round = 0; round < 10; round++) {
        chip.core.writeUint32(LOAD, 2 * 20_000);
        assert.equal(cause(chip, 19e6), 'nothing');
    }
});

test('the watchdog resets the chip at once when it is told to', () => {
    const chip = t.chipWith([t.STORE], { registers: [TRIGGER, CTRL] });
    chip.core.writeUint32(PSM_WDSEL, CORE_0);
    assert.equal(cause(chip), 'watchdog trigger');
});

test('a watchdog that is not to reset the core does nothing but be reported, once', () => {
    const reports = [];
    const chip = t.chipWith([t.STORE], { registers: [TRIGGER, CTRL], report: (text) => reports.push(text) });
    assert.equal(cause(chip), 'nothing');
    assert.equal(reports.filter((text) => text.includes('WDSEL')).length, 1);
});

test('flash, RAM and scratch registers survive a reset, the rest does not', () => {
    const before = t.chipWith([]);
    before.core.writeUint32(t.RAM + 0x1000, 0x1234_5678);
    before.core.writeUint32(SCRATCH2, 42);
    before.core.writeUint32(PSM_WDSEL, CORE_0);
    before.clock.tick(1e9);
    const after = new Chip({ previous: before, cause: 'watchdog timer' });
    assert.equal(after.core.readUint32(t.RAM + 0x1000), 0x1234_5678);
    assert.equal(after.core.readUint16(t.CODE), t.END);
    assert.equal(after.core.readUint32(SCRATCH2), 42);
    assert.equal(after.core.readUint32(PSM_WDSEL), 0);
    assert.equal(after.nanos, 0);
    after.core.writeUint32(t.RAM + 0x1000, 7);
    assert.equal(after.core.readUint32(t.RAM + 0x1000), 7);
});

test('a chip knows why it starts', () => {
    const facts = (cause) => {
        const { core } = new Chip({ cause });
        return [core.readUint32(REASON), core.readUint32(CHIP_RESET)];
    };
    assert.deepEqual(facts('power-on'), [0, 1 << 8]);
    assert.deepEqual(facts('watchdog timer'), [1, 0]);
    assert.deepEqual(facts('watchdog trigger'), [2, 0]);
    assert.deepEqual(facts('core'), [0, 0]);
});
