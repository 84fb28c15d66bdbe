// Images made up here, a few bytes each.

import assert from 'node:assert/strict';
import test from 'node:test';

import { ImageError, readImage } from '../src/image.mjs';

const FLASH = 0x1000_0000;
const RAM = 0x2000_0000;

/** An ELF file with one segment per entry: { type, physical, virtual, bytes }. */
function elf(segments, { machine = 40 } = {}) {
    const table = 52;
    const header = Buffer.alloc(table + segments.length * 32);
    header.writeUInt32BE(0x7f454c46, 0);
    header.set([1, 1, 1], 4);
    header.writeUInt16LE(machine, 18);
    header.writeUInt32LE(table, 28);
    header.writeUInt16LE(32, 42);
    header.writeUInt16LE(segments.length, 44);
    let offset = header.length;
    segments.forEach((segment, index) => {
        const entry = table + index * 32;
        header.writeUInt32LE(segment.type ?? 1, entry);
        header.writeUInt32LE(offset, entry + 4);
        header.writeUInt32LE(segment.virtual ?? segment.physical, entry + 8);
        header.writeUInt32LE(segment.physical, entry + 12);
        header.writeUInt32LE(segment.bytes.length, entry + 16);
        offset += segment.bytes.length;
    });
    return Buffer.concat([header, ...segments.map((segment) => Buffer.from(segment.bytes))]);
}

/** A UF2 file with one block per entry: { address, bytes, flags, family }. */
function uf2(blocks) {
    return Buffer.concat(
        blocks.map((block, index) => {
            const bytes = Buffer.alloc(512);
            bytes.writeUInt32LE(0x0a324655, 0);
            bytes.writeUInt32LE(0x9e5d5157, 4);
            bytes.writeUInt32LE(block.flags ?? 0x2000, 8);
            bytes.writeUInt32LE(block.address, 12);
            bytes.writeUInt32LE(block.bytes.length, 16);
            bytes.writeUInt32LE(index, 20);
            bytes.writeUInt32LE(blocks.length, 24);
            bytes.writeUInt32LE(block.family ?? 0xe48bff56, 28);
            bytes.set(block.bytes, 32);
            bytes.writeUInt32LE(0x0ab16f30, 508);
            return bytes;
        }),
    );
}

function loaded(file) {
    return readImage(file).pieces.map(({ address, bytes }) => ({ address, bytes: [...bytes] }));
}

test('segments of an ELF file go where they are stored, not where they run', () => {
    const file = elf([
        { physical: FLASH, bytes: [1, 2, 3, 4] },
        { physical: FLASH + 0x100, virtual: RAM, bytes: [5, 6] },
    ]);
    assert.deepEqual(loaded(file), [
        { address: FLASH, bytes: [1, 2, 3, 4] },
        { address: FLASH + 0x100, bytes: [5, 6] },
    ]);
});

test('segments of an ELF file that are not loaded, or are empty, are passed over', () => {
    const file = elf([
        { type: 0x70000001, physical: 0, bytes: [9] },
        { physical: RAM, bytes: [] },
        { physical: RAM, bytes: [7] },
    ]);
    assert.deepEqual(loaded(file), [{ address: RAM, bytes: [7] }]);
});

test('an ELF file for another machine is refused with what to build instead', () => {
    const file = elf([{ physical: FLASH, bytes: [1] }], { machine: 62 });
    assert.throws(() => readImage(file), { message: /thumbv6m-none-eabi/ });
});

test('a truncated ELF file is refused, wherever it ends', () => {
    const file = elf([{ physical: FLASH, bytes: [1, 2, 3, 4] }]);
    for (let length = 4; length < file.length; length++) {
        assert.throws(() => readImage(file.subarray(0, length)), ImageError, `${length} bytes`);
    }
});

test('pages of a UF2 file go where they say', () => {
    const file = uf2([
        { address: FLASH, bytes: [1, 2] },
        { address: FLASH + 0x100, bytes: [3] },
    ]);
    assert.deepEqual(loaded(file), [
        { address: FLASH, bytes: [1, 2] },
        { address: FLASH + 0x100, bytes: [3] },
    ]);
});

test('blocks of a UF2 file for another chip, or not for flash, are passed over', () => {
    const file = uf2([
        { address: 0x2000, bytes: [1], family: 0x68ed2b88 },
        { address: 0x2000, bytes: [2], flags: 1 },
        { address: FLASH, bytes: [3] },
    ]);
    assert.deepEqual(loaded(file), [{ address: FLASH, bytes: [3] }]);
});

test('a UF2 file with a damaged, cut or missing block is refused', () => {
    const file = uf2([
        { address: FLASH, bytes: [1] },
        { address: FLASH + 0x100, bytes: [2] },
    ]);
    const damaged = Buffer.from(file);
    damaged[1023] = 0;
    assert.throws(() => readImage(damaged), { message: /block 1 is damaged/ });
    assert.throws(() => readImage(file.subarray(0, 700)), { message: /ends within a block/ });
    assert.throws(() => readImage(file.subarray(0, 512)), { message: /missing/ });
});

test('any other file is the contents of flash', () => {
    assert.deepEqual(loaded(Buffer.from([1, 2, 3])), [{ address: FLASH, bytes: [1, 2, 3] }]);
});

test('an image with nothing in it, or with something beside the memories, is refused', () => {
    assert.throws(() => readImage(Buffer.alloc(0)), { message: /nothing to load/ });
    assert.throws(() => readImage(elf([{ physical: 0x3000_0000, bytes: [1] }])), { message: /neither flash nor RAM/ });
    assert.throws(() => readImage(elf([{ physical: RAM + 264 * 1024 - 1, bytes: [1, 2] }])), { message: /0x20041fff/ });
});
