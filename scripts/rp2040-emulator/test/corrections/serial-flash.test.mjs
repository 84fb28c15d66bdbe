import assert from 'node:assert/strict';
import test from 'node:test';

import { SERIAL_NUMBER } from '../../src/corrections/serial-flash.mjs';
import * as t from '../support/thumb.mjs';

const SSI = 0x1800_0000;
const SR = SSI + 0x28;
const DR = SSI + 0x60;
const SS_CTRL = 0x4001_800c;
const LOW = 2 << 8;
const HIGH = 3 << 8;
const RECEIVED = 1 << 3;

function exchange(chip, bytes) {
    return bytes.map((byte) => {
        chip.mcu.writeUint32(DR, byte);
        assert.equal(chip.mcu.readUint32(SR) & RECEIVED, RECEIVED);
        return chip.mcu.readUint32(DR);
    });
}

const askForNumber = [0x4b, 0, 0, 0, 0, ...SERIAL_NUMBER.map(() => 0)];

test('the flash chip tells its serial number while it is selected', () => {
    const chip = t.chipWith([]);
    for (let time = 0; time < 2; time++) {
        chip.mcu.writeUint32(SS_CTRL, LOW);
        assert.deepEqual(exchange(chip, askForNumber).slice(5), SERIAL_NUMBER);
        chip.mcu.writeUint32(SS_CTRL, HIGH);
    }
});

test('a flash chip that is not selected says nothing', () => {
    const chip = t.chipWith([]);
    chip.mcu.writeUint32(SS_CTRL, HIGH);
    assert.ok(exchange(chip, askForNumber).every((byte) => byte === 0xff));
});

test('the ROM gives the chip back to the controller', () => {
    const chip = t.chipWith([]);
    chip.mcu.writeUint32(SS_CTRL, HIGH);
    const flush = chip.mcu.readUint16(chip.mcu.readUint16(0x14) + 4 * 4 + 2);
    assert.ok(chip.rom.serve(flush - 1, 4));
    assert.deepEqual(exchange(chip, [0x35, 0x35]), [0xff, 0xff]);
    chip.mcu.writeUint32(DR, 0x35);
    chip.mcu.writeUint32(DR, 0x35);
    assert.deepEqual([chip.mcu.readUint32(DR), chip.mcu.readUint32(DR)], [0xff, 0x02]);
});

test('the controller selects the chip for each exchange, unless that is overridden', () => {
    const chip = t.chipWith([]);
    for (let time = 0; time < 2; time++) {
        chip.mcu.writeUint32(DR, 0x35);
        chip.mcu.writeUint32(DR, 0x35);
        assert.deepEqual([chip.mcu.readUint32(DR), chip.mcu.readUint32(DR)], [0xff, 0x02]);
        assert.equal(chip.mcu.readUint32(SR) & RECEIVED, 0);
    }
});

test('more than 16 bytes that nobody reads are lost', () => {
    const chip = t.chipWith([]);
    for (let byte = 0; byte < 20; byte++) {
        chip.mcu.writeUint32(DR, 0x05);
    }
    assert.equal(chip.mcu.readUint32(SSI + 0x24), 16);
});
