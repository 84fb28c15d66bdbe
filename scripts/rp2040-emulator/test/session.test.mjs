// Whole runs, with a console that is written here in the image's place.

import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate } from 'node:timers/promises';

import { Expectations } from '../src/expectations.mjs';
import { Pace } from '../src/pace.mjs';
import { Script } from '../src/script.mjs';
import { Session } from '../src/session.mjs';
import { ConsoleMachine } from './support/console.mjs';

/** A run from its lines to its ending. */
async function run({ lines, expect = [], timeoutNanos, isLive = false, pace, during = () => {}, ...machineOptions } = {}) {
    const machine = new ConsoleMachine(machineOptions);
    let output = '';
    const said = [];
    let script;
    if (lines !== undefined) {
        script = new Script();
        lines.forEach((line) => script.addLine(line));
        script.end();
    }
    const session = new Session({
        machine,
        wire: { isLive, write: async (bytes) => (output += bytes) },
        script,
        expectations: new Expectations(expect),
        timeoutNanos,
        say: (text) => said.push(text),
        pace,
    });
    during(session);
    const ending = await session.run([]);
    return { ...ending, machine, output, said };
}

test('lines are typed, answers are printed, and at the end the machine is switched off', async () => {
    const { code, output, machine } = await run({ lines: ['say one', 'say two'] });
    assert.equal(code, 0);
    assert.equal(output, 'one\ntwo\n');
    assert.deepEqual(machine.lines, ['say one', 'say two']);
});

test('no line is typed while the console is busy', async () => {
    const { code, machine } = await run({ lines: ['sleep 1000', 'say one', 'sleep 5', 'say two'] });
    assert.equal(code, 0);
    assert.equal(machine.lost, 0);
    assert.equal(machine.lines.length, 4);
    assert.ok(machine.nanos > 1.005e9);
});

test('no line is typed before the console is there', async () => {
    const { machine } = await run({ lines: ['say one'], bootNanos: 5e9 });
    assert.equal(machine.lost, 0);
    assert.deepEqual(machine.lines, ['say one']);
});

test('no line is lost in a reboot', async () => {
    const { code, output, machine } = await run({ lines: ['say one', 'reboot', 'say two', 'reboot', 'say three'] });
    assert.equal(code, 0);
    assert.equal(output, 'one\ntwo\nthree\n');
    assert.equal(machine.lost, 0);
});

test('no line of many is lost', async () => {
    const lines = Array.from({ length: 300 }, (_, index) => `say ${index}`);
    const { output, machine } = await run({ lines });
    assert.equal(machine.lost, 0);
    assert.equal(output, lines.map((line) => `${line.slice(4)}\n`).join(''));
});

test('an image that does not tell when it reads is typed the next line when it rests', async () => {
    const { machine, output } = await run({ lines: ['say one', 'say two'], speaks: false, bootNanos: 0, timeoutNanos: 1e9 });
    assert.deepEqual(machine.lines, ['say one', 'say two']);
    assert.equal(output, 'one\ntwo\n');
});

test('failed commands are counted over reboots', async () => {
    const { code, message } = await run({ lines: ['fail', 'reboot', 'fail', 'fail'] });
    assert.equal(code, 5);
    assert.match(message, /^3 console commands failed/);
});

test('a script may switch the machine off itself', async () => {
    assert.equal((await run({ lines: ['poweroff', 'say one'] })).code, 0);
    assert.equal((await run({ lines: ['fail', 'poweroff'] })).code, 5);
});

test('a panic ends the run', async () => {
    const { code, machine } = await run({ lines: ['panic', 'say one'] });
    assert.equal(code, 3);
    assert.deepEqual(machine.lines, ['panic']);
});

test('a panic that leads to a reset ends the run when the machine has come back', async () => {
    const { code, machine } = await run({ lines: ['panic-and-reset', 'say one'] });
    assert.equal(code, 3);
    assert.deepEqual(machine.lines, ['panic-and-reset']);
});

test('a reset that nobody asked for is told', async () => {
    const { code, said } = await run({ lines: ['bite'] });
    assert.equal(code, 0);
    assert.deepEqual(said, ['the chip has been reset by its watchdog timer']);
});

test('a machine that nobody can wake any more hangs', async () => {
    const { code, message } = await run({ lines: ['die', 'say one'] });
    assert.equal(code, 4);
    assert.match(message, /the script waits/);
});

test('a machine without anybody who listens hangs', async () => {
    assert.equal((await run({ lines: ['say one'], isDeaf: true })).code, 4);
    assert.equal((await run({ lines: [], isDeaf: true })).code, 4);
});

test('a machine that sleeps does not hang', async () => {
    const { code, machine } = await run({ lines: ['sleep 3600000'] });
    assert.equal(code, 0);
    assert.ok(machine.nanos > 3600e9);
});

test('a timeout counts simulated time', async () => {
    const { code, message, machine } = await run({ lines: ['sleep 3600000'], timeoutNanos: 10e9 });
    assert.equal(code, 4);
    assert.match(message, /after 10 s/);
    assert.ok(Math.abs(machine.nanos - 10e9) < 1);
});

test('a run that waits for texts is over when they have come', async () => {
    const during = (session) => session.type(Buffer.from('say one\nsay two\n'));
    const { code } = await run({ expect: ['one', 'two'], during, bootNanos: 0 });
    assert.equal(code, 0);
});

test('a text that never comes is a hang', async () => {
    const { code, message } = await run({ expect: ['one'] });
    assert.equal(code, 4);
    assert.match(message, /--expect "one" waits/);
});

test('texts in another order have not come', async () => {
    const during = (session) => session.type(Buffer.from('say two\nsay one\n'));
    const { code, message } = await run({ expect: ['one', 'two'], during, bootNanos: 0 });
    assert.equal(code, 4);
    assert.match(message, /"two"/);
});

test('with lines and texts both count', async () => {
    assert.equal((await run({ lines: ['say one'], expect: ['one'] })).code, 0);
    assert.equal((await run({ lines: ['say one', 'fail'], expect: ['one'] })).code, 5);
    assert.equal((await run({ lines: ['say one', 'poweroff'], expect: ['two'] })).code, 6);
    assert.equal((await run({ lines: ['say one'], expect: ['two'] })).code, 4);
});

test('a script that comes slowly stops the time until it does', async () => {
    const machine = new ConsoleMachine();
    const script = new Script();
    let output = '';
    const session = new Session({
        machine,
        wire: { isLive: false, write: async (bytes) => (output += bytes) },
        script,
        expectations: new Expectations([]),
    });
    const ending = session.run([]);
    while (!script.isWaitedFor) {
        await setImmediate();
    }
    const before = machine.nanos;
    for (let turn = 0; turn < 100; turn++) {
        await setImmediate();
    }
    assert.equal(machine.nanos, before);
    script.add(Buffer.from('say o'));
    session.wake();
    script.add(Buffer.from('ne'));
    script.end();
    session.wake();
    assert.equal((await ending).code, 0);
    assert.equal(output, 'one\n');
});

test('a machine that a person sits at waits for keys, for ever', async () => {
    let wall = 0;
    const pace = new Pace(() => wall);
    const during = (session) => {
        setTimeout(() => {
            wall = 5e9;
            session.type(Buffer.from('poweroff\n'));
        }, 20);
        setTimeout(() => (wall = 10e9), 40);
    };
    const { code, machine } = await run({ isLive: true, pace, during });
    assert.equal(code, 0);
    assert.ok(machine.nanos >= 5e9, 'time has passed as on the wall');
});

test('a timeout ends a machine that a person sits at, also one that sleeps for ever', async () => {
    for (const bootNanos of [0, 1e6, 1e12]) {
        const { code, message, machine } = await run({ isLive: true, timeoutNanos: 30e6, bootNanos });
        assert.equal(code, 4);
        assert.match(message, /after 30 ms/);
        assert.ok(Math.abs(machine.nanos - 30e6) < 1);
    }
});

test('a person who leaves ends the run', async () => {
    const during = (session) => setTimeout(() => session.end({ code: 130 }), 20);
    assert.equal((await run({ isLive: true, during })).code, 130);
});
