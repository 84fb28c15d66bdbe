// Sockets, pseudo-terminals and terminals of this host. Those that need Python are passed over where there is none.

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { openWire } from '../src/wire.mjs';
import * as t from './support/thumb.mjs';

/** What waits for others must not wait for ever. */
const LIMIT = { timeout: 60_000 };

const skip = spawnSync('python3', ['--version']).error ? 'there is no python3' : false;
const MAIN = fileURLToPath(new URL('../src/main.mjs', import.meta.url));
const TERMINAL = fileURLToPath(new URL('support/terminal.py', import.meta.url));

/** A wire, what is typed at it, and where it is. */
async function opened(uart) {
    let typed = '';
    let heard = () => {};
    let place;
    const hands = {
        type: (bytes) => {
            typed += bytes;
            heard();
        },
        leave: () => {},
    };
    const wire = await openWire(uart, { isTyped: false, hands, say: (text) => (place = text) });
    const hear = async (text) => {
        while (!typed.includes(text)) {
            await new Promise((resolve) => (heard = resolve));
        }
    };
    return { wire, hear, place };
}

/** A client of a socket, and what it hears. */
function client(port) {
    let received = '';
    let heard = () => {};
    const socket = connect(port, '127.0.0.1');
    socket.on('data', (bytes) => {
        received += bytes;
        heard();
    });
    socket.on('error', () => {});
    const hear = async (text) => {
        while (!received.includes(text)) {
            await new Promise((resolve) => (heard = resolve));
        }
    };
    return { socket, hear };
}

test('a socket carries bytes both ways, for one client after the other', LIMIT, async () => {
    const { wire, hear, place } = await opened({ kind: 'tcp', host: '127.0.0.1', port: 0 });
    assert.ok(wire.isLive);
    const port = Number(/tcp:127\.0\.0\.1:(\d+)$/.exec(place)[1]);
    await wire.write(Buffer.from('before'));

    const first = client(port);
    await first.hear('before');
    first.socket.write('one');
    await hear('one');

    const second = client(port);
    await second.hear('taken');

    first.socket.destroy();
    let third;
    do {
        // The server sees the first client go when it gets round to it.
        third = client(port);
        third.socket.write('two');
        await Promise.race([hear('two'), once(third.socket, 'close')]);
    } while (third.socket.destroyed);
    await wire.write(Buffer.from('after'));
    await third.hear('after');
    await Promise.all([wire.close(), once(third.socket, 'close')]);
});

test('an address that cannot be listened on is an error', LIMIT, async () => {
    const { wire, place } = await opened({ kind: 'tcp', host: '127.0.0.1', port: 0 });
    const port = Number(/:(\d+)$/.exec(place)[1]);
    await assert.rejects(opened({ kind: 'tcp', host: '127.0.0.1', port }), /EADDRINUSE/);
    await wire.close();
});

test('a pseudo-terminal carries bytes both ways', { ...LIMIT, skip }, async () => {
    const { wire, hear, place } = await opened({ kind: 'pty' });
    const path = /(\/dev\/\S+)$/.exec(place)[1];
    const file = await open(path, 'r+');
    await file.write('\rone\r');
    await hear('\rone\r');
    await wire.write(Buffer.from('two\r\n'));
    const { bytesRead, buffer } = await file.read(Buffer.alloc(100), 0, 100, null);
    assert.equal(`${buffer.subarray(0, bytesRead)}`, 'two\r\n');
    await file.close();
    await wire.close();
});

/** Runs the whole program in a terminal: an image that sleeps for ever. */
async function inTerminal(ending) {
    const folder = mkdtempSync(join(tmpdir(), 'emulate-'));
    const image = join(folder, 'image.bin');
    writeFileSync(image, t.imageWith([t.WFI])[0].bytes);
    const { stdout } = await promisify(execFile)('python3', [TERMINAL, ending, process.execPath, MAIN, image]);
    rmSync(folder, { recursive: true });
    return JSON.parse(stdout);
}

test('a terminal is raw while the machine has it, and Ctrl-] gives it back', { ...LIMIT, skip }, async () => {
    assert.deepEqual(await inTerminal('keys:\x1d'), { raw: true, given_back: true, code: 0 });
});

test('a terminal is given back when the program is told to end', { ...LIMIT, skip }, async () => {
    assert.deepEqual(await inTerminal('signal:SIGTERM'), { raw: true, given_back: true, code: 143 });
    assert.deepEqual(await inTerminal('signal:SIGHUP'), { raw: true, given_back: true, code: 129 });
});
