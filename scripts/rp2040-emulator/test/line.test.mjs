import assert from 'node:assert/strict';
import test from 'node:test';

import { Line } from '../src/line.mjs';
import * as t from './support/thumb.mjs';

const DR = 0x00;
const LCR_H = 0x2c;
const CR = 0x30;
const FIFOS = 0x70;
const ON = 0x301;
const RTS = 1 << 11;
const RTS_BY_LEVEL = 1 << 14;
const OVERRUN = 1 << 11;
const FUNCTION_UART = 2;

/** A chip with its UART on, on these pins. */
function plugged(pins, control = ON) {
    const chip = t.chipWith([]);
    const heard = [];
    const line = new Line((byte) => heard.push(byte));
    const uart = chip.uarts[0];
    uart.writeUint32Atomic(LCR_H, FIFOS, 0);
    uart.writeUint32Atomic(CR, control, 0);
    pins.forEach((pin) => (chip.mcu.gpio[pin].ctrl = FUNCTION_UART));
    line.plug(chip);
    const read = () => {
        const bytes = [];
        while (!uart.isRead) {
            bytes.push(uart.readUint32(DR));
        }
        return bytes;
    };
    return { chip, line, uart, heard, read, pass: (characters) => chip.clock.tick(characters * uart.characterNanos + 1) };
}

test('bytes arrive one after the other, at the speed of the line', () => {
    const { line, read, pass } = plugged([0, 1]);
    line.type([1, 2, 3]);
    assert.ok(!line.isQuiet);
    pass(0.9);
    assert.deepEqual(read(), []);
    pass(0.2);
    assert.deepEqual(read(), [1]);
    pass(2);
    assert.ok(!line.isQuiet, 'two bytes are not read yet');
    assert.deepEqual(read(), [2, 3]);
    assert.ok(line.isQuiet);
});

test('pins that are not switched to the UART carry nothing', () => {
    const { line, uart, heard, read, pass } = plugged([]);
    line.type([1]);
    uart.writeUint32Atomic(DR, 2, 0);
    pass(2);
    assert.deepEqual(read(), []);
    assert.deepEqual(heard, []);
    assert.ok(line.isQuiet);
});

test('without RTS nothing holds the bytes back', () => {
    const { line, read, pass } = plugged([0, 1]);
    line.type(Array.from({ length: 40 }, (_, index) => index));
    pass(50);
    assert.equal(read().length, 32);
    line.type([99]);
    pass(1);
    assert.deepEqual(read(), [99 | OVERRUN]);
});

test('with RTS no byte is lost, however slowly they are read', () => {
    const { line, read, pass } = plugged([0, 1, 3], ON | RTS_BY_LEVEL);
    const bytes = Array.from({ length: 200 }, (_, index) => index);
    line.type(bytes);
    const received = [];
    for (let round = 0; round < 20; round++) {
        pass(50);
        received.push(...read());
    }
    assert.deepEqual(received, bytes);
});

test('bytes that are held back come when the image lets them', () => {
    const { line, uart, read, pass } = plugged([0, 1, 3]);
    line.type([1]);
    pass(10);
    assert.deepEqual(read(), []);
    uart.writeUint32Atomic(CR, ON | RTS, 0);
    pass(1);
    assert.deepEqual(read(), [1]);
});

test('what waits at a reset is sent to the next chip', () => {
    const before = plugged([0, 1]);
    before.line.type([1, 2]);
    before.pass(1);
    const { chip, uart, read } = plugged([0, 1]);
    before.line.plug(chip);
    chip.clock.tick(5 * uart.characterNanos);
    assert.deepEqual(read(), []);
    assert.ok(before.line.isQuiet, 'the byte that was on its way is lost');
});

test('what is typed before the power is on waits for it', () => {
    const line = new Line(() => {});
    line.type([1]);
    const { chip, uart, read } = plugged([0, 1]);
    line.plug(chip);
    chip.clock.tick(2 * uart.characterNanos);
    assert.deepEqual(read(), [1]);
});
