// What is typed at a console without mercy, and what is made of a machine that does not bear it.

import assert from 'node:assert/strict';
import test from 'node:test';

import { Random } from '../src/fuzz/random.mjs';
import { Trial, TrialError } from '../src/fuzz/trial.mjs';
import { Typist } from '../src/fuzz/typist.mjs';
import * as t from './support/thumb.mjs';

const GPIO0_CTRL = 0x4001_4004;
const UART0 = 0x4003_4000;
const SCRATCH1 = 0x4005_8010;
/** As long as the FIFO, at most. */
const say = (text) => [
    [GPIO0_CTRL, 2],
    [UART0 + 0x2c, 0x70],
    [UART0 + 0x30, 0x301],
    ...[...Buffer.from(text)].map((byte) => [UART0, byte]),
];

function typed(seed, times) {
    const typist = new Typist(new Random(seed));
    return Buffer.concat(Array.from({ length: times }, () => typist.next().bytes));
}

const failure = (stores) => {
    const trial = new Trial({ pieces: t.imageWith(t.storing(stores)), seed: 1 });
    try {
        trial.run(1e9);
    } catch (error) {
        assert(error instanceof TrialError, error);
        return error.message;
    }
    return undefined;
};

test('the same seed types the same, and another something else', () => {
    assert.deepEqual(typed(7, 1000), typed(7, 1000));
    assert.notDeepEqual(typed(7, 1000), typed(8, 1000));
});

test('every byte is typed sometime, and commands as a whole', () => {
    const bytes = typed(0, 10_000);
    assert.equal(new Set(bytes).size, 256);
    assert(bytes.includes('\rping echo 1\r') || bytes.includes('\rservices\r'));
});

test('no word that ends the machine is typed, in one piece or in several', () => {
    const text = typed(1, 50_000).toString('latin1');
    assert.doesNotMatch(text, /poweroff|reboot|panic|kill\s+[\du]/);
    const pieces = ['rest', 'art; pow', 'eroff', '\rkill ', '14\r', 'kill echo\r'];
    const typist = new Typist(new Random(1), () => Buffer.from(pieces.shift()));
    const bytes = Array.from({ length: 6 }, () => typist.next().bytes.toString()).join('');
    assert.equal(bytes, 'restart; powerof!\rkill !4\rkill echo\r');
});

test('a machine that shows no prompt, or does not answer Ctrl-C, has failed', () => {
    assert.match(failure([]), /the prompt has not come within 30 s/);
    assert.match(failure(say('mnemos> ')), /Ctrl-C has not brought the prompt back within 30 s/);
});

test('a machine that says that its last run ended badly has failed', () => {
    assert.match(failure(say('the last run hung\nmnemos> ')), /: the last run hung\n/);
});

test('a machine that is never on has failed', () => {
    assert.match(failure([...say('mnemos'), [SCRATCH1, 0x6d6e_6f00]]), /switched itself off before it showed a prompt/);
});
