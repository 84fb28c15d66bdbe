// Cycles by function.

import assert from 'node:assert/strict';
import test from 'node:test';

import { readable, readFunctions } from '../src/image/functions.mjs';
import { Profile } from '../src/profile.mjs';

/** An ELF file with nothing but a symbol table: { name, start, size, type }. */
function elf(symbols) {
    const [header, section, symbol] = [52, 40, 16];
    const names = Buffer.from(`\0${symbols.map(({ name }) => `${name}\0`).join('')}`);
    const table = header + 2 * section;
    const file = Buffer.alloc(table + symbols.length * symbol + names.length);
    file.writeUInt32LE(header, 32);
    file.writeUInt16LE(section, 46);
    file.writeUInt16LE(2, 48);
    const describe = (index, type, offset, size, link) => {
        const at = header + index * section;
        [[4, type], [16, offset], [20, size], [24, link]].forEach(([field, value]) => file.writeUInt32LE(value, at + field));
    };
    describe(0, 2, table, symbols.length * symbol, 1);
    describe(1, 3, table + symbols.length * symbol, names.length, 0);
    symbols.forEach(({ name, start, size, type = 2 }, index) => {
        const at = table + index * symbol;
        file.writeUInt32LE(names.indexOf(`\0${name}\0`) + 1, at);
        file.writeUInt32LE(start, at + 4);
        file.writeUInt32LE(size, at + 8);
        file[at + 12] = type;
    });
    names.copy(file, table + symbols.length * symbol);
    return file;
}

test('functions are read by rising address, without the bit that says Thumb; what is no function is passed over', () => {
    const file = elf([
        { name: 'later', start: 0x1000_0101, size: 8 },
        { name: 'sooner', start: 0x1000_0001, size: 4 },
        { name: 'data', start: 0x2000_0000, size: 4, type: 1 },
    ]);
    assert.deepEqual(readFunctions(file), [
        { name: 'sooner', start: 0x1000_0000, size: 4 },
        { name: 'later', start: 0x1000_0100, size: 8 },
    ]);
});

test('a file whose symbol table is missing or cut off has no functions', () => {
    const file = elf([{ name: 'one', start: 0x1000_0001, size: 4 }]);
    assert.deepEqual(readFunctions(Buffer.alloc(52)), []);
    assert.deepEqual(readFunctions(file.subarray(0, 100)), []);
});

test("Rust's names are readable, and others as they are", () => {
    assert.equal(readable('_ZN6kernel6Kernel4tick17h0123456789abcdefE'), 'kernel::Kernel::tick');
    assert.equal(readable('_ZN35_$LT$kernel..Sleep$u20$as$u20$X$GT$4poll17h0123456789abcdefE'), '<kernel::Sleep as X>::poll');
    assert.equal(readable('memcpy'), 'memcpy');
    assert.equal(readable('_ZNwrongE'), '_ZNwrongE');
});

test('cycles are those of the function that the instruction lies in, and a call is its first instruction', () => {
    const profile = new Profile();
    const functions = [
        { name: 'small', start: 0x1000_0000, size: 4 },
        { name: 'large', start: 0x1000_0010, size: 8 },
    ];
    for (const [address, cycles] of [[0, 1], [0x1000_0000, 1], [0x1000_0002, 2], [0x1000_0000, 1], [0x1000_0004, 5], [0x1000_0016, 9]]) {
        profile.add(address, cycles);
    }
    assert.deepEqual(profile.byFunction(functions), [
        { name: 'large', cycles: 9, calls: 0 },
        { name: '(without a name)', cycles: 5, calls: 0 },
        { name: 'small', cycles: 4, calls: 2 },
        { name: '(the ROM)', cycles: 1, calls: 0 },
    ]);
});
