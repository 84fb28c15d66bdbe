import assert from 'node:assert/strict';
import test from 'node:test';

import * as t from '../support/thumb.mjs';

const IO = 0x4001_4000;
const PADS = 0x4001_c000;
const SIO = 0xd000_0000;
const PIN = 25;
const BIT = 1 << PIN;
const CTRL = IO + 8 * PIN + 4;
const PAD = PADS + 4 + 4 * PIN;
const INTR3 = IO + 0xf0 + 12;
const FUNCTION_SIO = 5;
const EDGES_OF_PIN = 0xc << 4;

const level = (chip) => (chip.core.readUint32(SIO + 0x004) & BIT) !== 0;
const edges = (chip) => chip.core.readUint32(INTR3) & EDGES_OF_PIN;

function output() {
    const chip = t.chipWith([]);
    chip.core.writeUint32(CTRL, FUNCTION_SIO);
    chip.core.writeUint32(SIO + 0x024, BIT);
    return chip;
}

test('the input of a pin is on after reset', () => {
    const chip = t.chipWith([]);
    assert.equal(chip.core.readUint32(PAD), 0x56);
    chip.mcu.gpio[PIN].setInputValue(true);
    assert.ok(level(chip));
});

test('a pin that puts out sees what it puts out, with its edges', () => {
    const chip = output();
    assert.ok(!level(chip));
    assert.equal(edges(chip), 0);
    chip.core.writeUint32(SIO + 0x014, BIT);
    assert.ok(level(chip));
    assert.equal(edges(chip), 0x8 << 4);
    chip.core.writeUint32(SIO + 0x018, BIT);
    assert.ok(!level(chip));
    assert.equal(edges(chip), 0xc << 4);
});

test('a pin that nobody drives has the level that its resistor gives it', () => {
    const chip = t.chipWith([]);
    chip.core.writeUint32(PAD, 0x5a);
    assert.ok(level(chip));
    chip.core.writeUint32(PAD, 0x56);
    assert.ok(!level(chip));
});

test('the same level again is no edge', () => {
    const chip = t.chipWith([]);
    chip.mcu.gpio[PIN].setInputValue(false);
    assert.equal(edges(chip), 0);
    chip.core.writeUint32(PAD, 0x16);
    chip.core.writeUint32(PAD, 0x56);
    assert.equal(edges(chip), 0);
});
