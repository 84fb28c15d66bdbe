import assert from 'node:assert/strict';
import test from 'node:test';

import * as t from '../support/thumb.mjs';

/** ADCS r0, r1; SBCS r0, r1; ADDS r0, r0, r1; SUBS r0, r0, r1 */
const ADCS = 0x4148;
const SBCS = 0x4188;
const ADDS = 0x1840;
const SUBS = 0x1a40;

const OPERANDS = [0, 1, 2, 0x7fff_fffe, 0x7fff_ffff, 0x8000_0000, 0x8000_0001, 0xffff_fffe, 0xffff_ffff];

function flags({ core }) {
    return { N: core.N, Z: core.Z, C: core.C, V: core.V };
}

/** What the flags have to be after adding three numbers: subtracting is adding the complement. */
function afterAdding(first, second, carry) {
    const unsigned = first + second + carry;
    const signed = (first | 0) + (second | 0) + carry;
    return { N: (unsigned | 0) < 0, Z: unsigned >>> 0 === 0, C: unsigned > 0xffff_ffff, V: signed !== (unsigned | 0) };
}

for (const [name, instruction, complements, carries] of [
    ['ADCS', ADCS, false, [0, 1]],
    ['SBCS', SBCS, true, [0, 1]],
    ['ADDS', ADDS, false, [0]],
    ['SUBS', SUBS, true, [1]],
]) {
    test(`${name} sets the result and all flags, with any carry before it`, () => {
        const chip = t.chipWith([instruction]);
        for (const first of OPERANDS) {
            for (const second of OPERANDS) {
                for (const before of [0, 1]) {
                    const carry = carries.length === 2 ? before : carries[0];
                    const added = complements ? ~second >>> 0 : second;
                    chip.core.PC = t.CODE;
                    chip.core.registers.set([first, second]);
                    chip.core.C = before === 1;
                    t.step(chip);
                    const what = `${first.toString(16)}, ${second.toString(16)}, carry ${before}`;
                    assert.equal(chip.core.registers[0], (first + added + carry) >>> 0, what);
                    assert.deepEqual(flags(chip), afterAdding(first, added, carry), what);
                }
            }
        }
    });
}
