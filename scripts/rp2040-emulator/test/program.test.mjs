// The whole program, with images of a few stores each.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { fileURLToPath } from 'node:url';

import * as t from './support/thumb.mjs';

/** What waits for others must not wait for ever. */
const LIMIT = { timeout: 60_000 };

const MAIN = fileURLToPath(new URL('../src/main.mjs', import.meta.url));

const GPIO0_CTRL = 0x4001_4004;
const UART0 = 0x4003_4000;
const SCRATCH1 = 0x4005_8010;
const say = (text) => [
    [GPIO0_CTRL, 2],
    [UART0 + 0x2c, 0x70],
    [UART0 + 0x30, 0x301],
    ...[...Buffer.from(text)].map((byte) => [UART0, byte]),
];
const leave = (letter, count = 0) => [SCRATCH1, ((0x6d6e << 16) | (letter.charCodeAt(0) << 8) | count) >>> 0];

const folder = mkdtempSync(join(tmpdir(), 'emulate-'));
after(() => rmSync(folder, { recursive: true }));

function image(name, stores) {
    const path = join(folder, name);
    writeFileSync(path, t.imageWith(t.storing(stores))[0].bytes);
    return path;
}

/** Runs the program with an input that is empty, unless some is given. */
function emulate(args, input = '') {
    return new Promise((resolve) => {
        const child = execFile(process.execPath, [MAIN, ...args], (error, stdout, stderr) =>
            resolve({ code: error ? error.code : 0, stdout, stderr }),
        );
        child.stdin.end(input);
    });
}

const quiet = image('quiet.bin', []);
const talks = image('talks.bin', say('hello\n'));
const off = image('off.bin', [...say('bye\n'), leave('o')]);
const failed = image('failed.bin', [leave('o', 3)]);
const panics = image('panics.bin', [...say('ouch\n'), leave('p')]);

for (const [what, args, expected] of [
    ['help', ['--help'], { code: 0, stdout: /^Usage:/, stderr: /^$/ }],
    ['wrong usage', [], { code: 2, stdout: /^$/, stderr: /^emulate: There is no image.*\n.*--help/ }],
    ['a file that is not there', ['nowhere.elf'], { code: 1, stdout: /^$/, stderr: /nowhere.elf/ }],
    ['a file that is no image', [MAIN], { code: 1, stdout: /^$/, stderr: /does not boot/ }],
    ['a script that is not there', [quiet, '--script', 'nowhere'], { code: 1, stdout: /^$/, stderr: /`nowhere`/ }],
    ['a power-off', [off], { code: 0, stdout: /^bye\n$/, stderr: /^$/ }],
    ['failed commands', [failed], { code: 5, stdout: /^$/, stderr: /3 console commands failed/ }],
    ['a panic', [panics], { code: 3, stdout: /^ouch\n$/, stderr: /panic/ }],
    ['a hang', [talks], { code: 4, stdout: /^hello\n$/, stderr: /hangs/ }],
    ['a text that comes', [talks, '--expect', 'ell'], { code: 0, stdout: /^hell$/, stderr: /^$/ }],
    ['a text that does not come', [off, '--expect', 'hello'], { code: 6, stdout: /^bye\n$/, stderr: /"hello"/ }],
    ['cycles', [off, '--cycles'], { code: 0, stdout: /^bye\n$/, stderr: /^emulate: \d+ cycles awake in [\d.]+ us\n$/ }],
    ['the stack', [off, '--stack'], { code: 0, stdout: /^bye\n$/, stderr: /^emulate: 0 bytes of stack\n$/ }],
    [
        'a profile',
        [off, '--profile'],
        { code: 0, stdout: /^bye\n$/, stderr: /^emulate: +cycles +% +calls  function\nemulate: +\d+ +\d+\.\d +0  \(without a name\)\n/ },
    ],
]) {
    test(`${what}: exit code ${expected.code}`, LIMIT, async () => {
        const { code, stdout, stderr } = await emulate(args);
        assert.equal(code, expected.code, stderr);
        assert.match(stdout, expected.stdout);
        assert.match(stderr, expected.stderr);
    });
}

test('registers that are not there are told of once', LIMIT, async () => {
    const ROSC = 0x4006_0000;
    const { stderr } = await emulate([image('rosc.bin', [[ROSC, 1], [ROSC, 1], leave('o')])]);
    assert.equal(stderr.match(/ROSC/g).length, 1, stderr);
});

test('a reader that is gone is no reason for a message', LIMIT, async () => {
    const child = execFile(process.execPath, [MAIN, talks, '--timeout', '1s']);
    let stderr = '';
    child.stderr.on('data', (text) => (stderr += text));
    child.stdout.destroy();
    const code = await new Promise((resolve) => child.on('exit', resolve));
    assert.deepEqual([code, stderr], [1, '']);
});
