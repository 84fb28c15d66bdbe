import assert from 'node:assert/strict';
import test from 'node:test';

import { Uart } from '../../src/corrections/uart.mjs';
import * as t from '../support/thumb.mjs';

const DR = 0x00;
const FR = 0x18;
const IBRD = 0x24;
const FBRD = 0x28;
const LCR_H = 0x2c;
const CR = 0x30;
const IFLS = 0x34;
const IMSC = 0x38;
const RIS = 0x3c;
const MIS = 0x40;
const ICR = 0x44;

const BUSY = 1 << 3;
const RXFE = 1 << 4;
const TXFF = 1 << 5;
const TXFE = 1 << 7;
const RX = 1 << 4;
const TX = 1 << 5;
const RT = 1 << 6;
const OE = 1 << 10;
const OVERRUN = 1 << 11;

const EIGHT_BITS = 3 << 5;
const FIFOS = 1 << 4;
const ON = 0x301;
const LOOPBACK = 1 << 7;
const RTS = 1 << 11;
const RTS_BY_LEVEL = 1 << 14;

const BAUD = 115_200;
/** 125 MHz / (16 * 115200) is 67 and 52/64. */
const DIVISOR = [67, 52];
/** At the rate that this divisor really gives. */
const CHARACTER = (10 * 16 * (67 + 52 / 64) * 1e9) / 125e6;

/** A UART that is set up, beside what it has sent and whether it asks for the core. */
function setUp({ lineControl = EIGHT_BITS | FIFOS, control = ON } = {}) {
    const { mcu, clock } = t.chipWith([]);
    const seen = { sent: [], asks: false };
    mcu.setInterrupt = (number, asks) => {
        assert.equal(number, 20);
        seen.asks = asks;
    };
    const uart = new Uart(mcu, 20);
    uart.onByte = (byte) => seen.sent.push(byte);
    const write = (offset, value) => uart.writeUint32Atomic(offset, value, 0);
    const read = (offset) => uart.readUint32(offset);
    write(IBRD, DIVISOR[0]);
    write(FBRD, DIVISOR[1]);
    write(LCR_H, lineControl);
    write(CR, control);
    return { uart, clock, seen, write, read, pass: (characters) => clock.tick(characters * CHARACTER + 1) };
}

test('bytes leave one after the other, each in its time at the baud rate', () => {
    const { clock, seen, write, uart } = setUp();
    assert.ok(Math.abs(uart.characterNanos / (10e9 / BAUD) - 1) < 0.01);
    write(DR, 0x41);
    write(DR, 0x42);
    clock.tick(CHARACTER - 1);
    assert.deepEqual(seen.sent, []);
    clock.tick(1);
    assert.deepEqual(seen.sent, [0x41]);
    clock.tick(CHARACTER);
    assert.deepEqual(seen.sent, [0x41, 0x42]);
});

test('parity and a second stop bit take their time', () => {
    const { uart } = setUp({ lineControl: EIGHT_BITS | (1 << 1) | (1 << 3) });
    assert.ok(Math.abs(uart.characterNanos - CHARACTER * 1.2) < 1);
});

test('the divisor counts from the write that makes it effective', () => {
    const { uart, write } = setUp();
    write(IBRD, DIVISOR[0] * 2);
    assert.equal(uart.characterNanos, CHARACTER);
    write(LCR_H, EIGHT_BITS);
    assert.ok(uart.characterNanos > 1.9 * CHARACTER);
});

test('the transmit FIFO takes 32 bytes beside the one that is leaving, and says when it is full', () => {
    const { seen, write, read, pass } = setUp();
    assert.equal(read(FR) & (BUSY | TXFF | TXFE), TXFE);
    for (let byte = 0; byte < 33; byte++) {
        assert.equal(read(FR) & TXFF, 0, `${byte}`);
        write(DR, byte);
    }
    assert.equal(read(FR) & (BUSY | TXFF | TXFE), BUSY | TXFF);
    write(DR, 99);
    pass(40);
    assert.deepEqual(seen.sent, Array.from({ length: 33 }, (_, index) => index));
    assert.equal(read(FR) & (BUSY | TXFF | TXFE), TXFE);
});

test('the transmit interrupt is not pending at first', () => {
    const { seen, write, read } = setUp();
    write(IMSC, TX);
    assert.equal(read(RIS) & TX, 0);
    assert.ok(!seen.asks);
});

test('the transmit interrupt comes when the FIFO falls to its level, and goes when it is filled again', () => {
    const { seen, write, read, pass } = setUp();
    write(IMSC, TX);
    for (let byte = 0; byte < 20; byte++) {
        write(DR, byte);
    }
    assert.ok(!seen.asks, '19 wait');
    pass(2);
    assert.ok(!seen.asks, '17 wait');
    pass(1);
    assert.ok(seen.asks, '16 wait');
    write(DR, 20);
    assert.ok(!seen.asks, '17 wait');
    pass(1);
    assert.equal(read(MIS), TX);
    write(ICR, TX);
    assert.ok(!seen.asks);
    pass(30);
    assert.ok(!seen.asks, 'it comes at the level, not below');
});

test('a masked interrupt is noted and asks for nothing', () => {
    const { seen, write, read, pass } = setUp();
    for (let byte = 0; byte < 20; byte++) {
        write(DR, byte);
    }
    pass(20);
    assert.equal(read(RIS) & TX, TX);
    assert.equal(read(MIS), 0);
    assert.ok(!seen.asks);
    write(IMSC, TX);
    assert.ok(seen.asks);
});

test('without FIFOs each byte that may be written interrupts', () => {
    const { seen, write, read, pass } = setUp({ lineControl: EIGHT_BITS });
    write(IMSC, TX);
    write(DR, 1);
    assert.ok(seen.asks, 'it has moved on at once');
    write(DR, 2);
    assert.ok(!seen.asks);
    assert.equal(read(FR) & TXFF, TXFF);
    pass(1);
    assert.ok(seen.asks);
});

test('the receive interrupt comes at its level, and goes below it', () => {
    const { uart, seen, write, read } = setUp();
    write(IMSC, RX);
    for (let byte = 0; byte < 15; byte++) {
        uart.receive(byte);
    }
    assert.ok(!seen.asks);
    uart.receive(15);
    assert.ok(seen.asks);
    assert.equal(read(DR), 0);
    assert.ok(!seen.asks);
});

test('the levels can be chosen', () => {
    const { uart, seen, write } = setUp();
    write(IMSC, RX);
    write(IFLS, 0 << 3);
    for (let byte = 0; byte < 4; byte++) {
        assert.ok(!seen.asks);
        uart.receive(byte);
    }
    assert.ok(seen.asks);
});

test('a few bytes are announced when nothing has come for 32 bits of time', () => {
    const { uart, clock, seen, write, read } = setUp();
    write(IMSC, RT);
    uart.receive(1);
    clock.tick(3 * (CHARACTER / 10) * 10);
    uart.receive(2);
    clock.tick(3.1 * CHARACTER);
    assert.ok(!seen.asks, 'the second byte began the wait anew');
    clock.tick(0.2 * CHARACTER);
    assert.ok(seen.asks);
    read(DR);
    assert.ok(seen.asks);
    read(DR);
    assert.ok(!seen.asks);
    assert.equal(read(FR) & RXFE, RXFE);
});

test('an announcement that is cleared comes again while bytes are left', () => {
    const { uart, seen, write, pass } = setUp();
    write(IMSC, RT);
    uart.receive(1);
    pass(4);
    write(ICR, RT);
    assert.ok(!seen.asks);
    pass(4);
    assert.ok(seen.asks);
});

test('a byte that finds the FIFO full is lost, and the next one says so', () => {
    const { uart, read } = setUp();
    for (let byte = 0; byte < 34; byte++) {
        uart.receive(byte);
    }
    assert.equal(read(RIS) & OE, OE);
    for (let byte = 0; byte < 32; byte++) {
        assert.equal(read(DR), byte);
    }
    uart.receive(40);
    uart.receive(41);
    assert.equal(read(DR), 40 | OVERRUN);
    assert.equal(read(DR), 41);
});

test('a UART that is off neither sends nor receives', () => {
    const { uart, seen, write, read, pass } = setUp({ control: 0 });
    uart.receive(1);
    assert.equal(read(FR) & RXFE, RXFE);
    write(DR, 2);
    pass(2);
    assert.deepEqual(seen.sent, []);
    write(CR, ON);
    pass(1);
    assert.deepEqual(seen.sent, [2]);
});

test('in loopback it hears itself, and nobody else does', () => {
    const { seen, write, read, pass } = setUp({ control: ON | LOOPBACK });
    write(DR, 7);
    pass(1);
    assert.equal(read(DR), 7);
    assert.deepEqual(seen.sent, []);
});

test('RTS is what the image says, or what the receive FIFO says', () => {
    const { uart, write, read } = setUp();
    let changes = 0;
    uart.onHold = () => changes++;
    assert.ok(!uart.takesBytes);
    write(CR, ON | RTS);
    assert.ok(uart.takesBytes);
    write(CR, ON | RTS_BY_LEVEL);
    for (let byte = 0; byte < 16; byte++) {
        assert.ok(uart.takesBytes);
        uart.receive(byte);
    }
    assert.ok(!uart.takesBytes);
    const before = changes;
    read(DR);
    assert.ok(uart.takesBytes);
    assert.ok(changes > before);
});

test('bits of its registers are set, cleared and toggled like those of any peripheral', () => {
    const { uart, read } = setUp();
    uart.writeUint32Atomic(IMSC, RX | TX, 2);
    uart.writeUint32Atomic(IMSC, TX, 3);
    uart.writeUint32Atomic(IMSC, RT, 1);
    assert.equal(read(IMSC), RX | RT);
});

test('an interrupt that is on with nothing to send storms no more', () => {
    const UART0 = 0x4003_4000;
    const chip = t.chipWith([t.WFI], { handlers: { [t.Exception.INTERRUPT(20)]: [t.add(4, 1), t.BX_LR] } });
    chip.core.enabledInterrupts = 1 << 20;
    chip.core.writeUint32(UART0 + CR, ON);
    chip.core.writeUint32(UART0 + IMSC, TX);
    t.runFor(chip, 1e6);
    assert.equal(chip.core.registers[4], 0);
});
