// The debugger's side of the connection is played here.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import test from 'node:test';

import { Debugger } from '../src/debugger.mjs';
import { Expectations } from '../src/expectations.mjs';
import { Machine } from '../src/machine.mjs';
import { Session } from '../src/session.mjs';
import * as t from './support/thumb.mjs';

/** What waits for others must not wait for ever. */
const LIMIT = { timeout: 60_000 };

const TRAP = 'S05';
const INTERRUPTED = 'S02';

class Client {
    #socket;
    #unread = '';

    static async connect(port) {
        const client = new Client();
        client.#socket = connect(port, '127.0.0.1');
        client.#socket.setEncoding('latin1');
        client.#socket.on('data', (text) => (client.#unread += text));
        await once(client.#socket, 'connect');
        return client;
    }

    async ask(command) {
        this.tell(command);
        return this.hear();
    }

    tell(command) {
        const sum = [...Buffer.from(command)].reduce((sum, byte) => (sum + byte) & 0xff, 0);
        this.#socket.write(`$${command}#${sum.toString(16).padStart(2, '0')}`);
    }

    interrupt() {
        this.#socket.write('\x03');
    }

    /** The next answer. */
    async hear() {
        for (;;) {
            const [whole, answer] = /^\+*\$([^#]*)#../.exec(this.#unread) ?? [];
            if (whole !== undefined) {
                this.#unread = this.#unread.slice(whole.length);
                return answer;
            }
            await once(this.#socket, 'data');
        }
    }

    leave() {
        this.#socket.destroy();
    }
}

/** A session that waits for a debugger, and a debugger. */
async function debug(code) {
    const machine = new Machine();
    const tool = new Debugger(machine);
    const session = new Session({
        machine,
        wire: { isLive: true, write: async () => {} },
        expectations: new Expectations([]),
        debugger: tool,
    });
    tool.onRelease = () => session.wake();
    let port;
    await tool.listen(0, (text) => (port = Number(/:(\d+)$/.exec(text)[1])));
    const ending = session.run(t.imageWith(code));
    const client = await Client.connect(port);
    return {
        client,
        chip: machine.chip,
        end: async () => {
            client.leave();
            tool.close();
            session.end({ code: 0 });
            await ending;
        },
    };
}

const register = (number) => `p${number.toString(16)}`;
const word = (hex) => Buffer.from(hex, 'hex').readUInt32LE();

test('nothing runs before the debugger lets it', LIMIT, async () => {
    const { client, chip, end } = await debug([]);
    assert.equal(await client.ask('?'), TRAP);
    assert.equal(chip.cycles, 0);
    await end();
});

for (const [kind, instruction] of [
    ['a breakpoint', '00be'],
    ['an undefined instruction of two half-words', 'f0f700a0'],
]) {
    test(`${kind} that the debugger puts into flash stops the machine there, and it goes on`, LIMIT, async () => {
        const { client, chip, end } = await debug([t.set(4, 1), t.set(5, 2), t.NOP, t.set(6, 3)]);
        const at = (t.CODE + 2).toString(16);
        const size = instruction.length / 2;
        const original = await client.ask(`m${at},${size}`);
        assert.equal(await client.ask(`M${at},${size}:${instruction}`), 'OK');
        assert.equal(await client.ask('vCont;c'), TRAP);
        assert.equal(word(await client.ask(register(15))), t.CODE + 2);
        assert.equal(word(await client.ask(register(4))), 1);
        assert.equal(chip.core.registers[5], 0);
        await client.ask(`M${at},${size}:${original}`);
        assert.match(await client.ask('vCont;s'), /^T05/);
        assert.equal(word(await client.ask(register(5))), 2);
        client.tell('vCont;c');
        client.interrupt();
        assert.equal(await client.hear(), INTERRUPTED);
        await end();
    });
}

test('a machine whose debugger has gone runs on', LIMIT, async () => {
    const { client, chip, end } = await debug([t.set(4, 1)]);
    client.leave();
    while (chip.core.registers[4] === 0) {
        await new Promise((resolve) => setTimeout(resolve));
    }
    await end();
});
