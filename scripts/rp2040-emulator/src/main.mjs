// The program: options in, an exit code out.

import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';

import { Debugger } from './debugger.mjs';
import { Ending } from './ending.mjs';
import { Expectations } from './expectations.mjs';
import { ImageError, readImage } from './image.mjs';
import { Machine } from './machine.mjs';
import { parseOptions, USAGE, UsageError } from './options.mjs';
import { Profile } from './profile.mjs';
import { Script } from './script.mjs';
import { Session } from './session.mjs';
import { formatTime } from './simulated-time.mjs';
import { openWire } from './wire.mjs';

const ending = await main(process.argv.slice(2));
if (ending.message) {
    say(ending.message);
}
process.exit(ending.code);

/** @returns {Promise<import('./ending.mjs').Ending>} */
async function main(args) {
    let options;
    try {
        options = parseOptions(args);
    } catch (error) {
        if (error instanceof UsageError) {
            return Ending.usage(error.message);
        }
        throw error;
    }
    if (options.help) {
        process.stdout.write(USAGE);
        return { code: 0 };
    }
    try {
        return await run(options);
    } catch (error) {
        // Nobody is left to read the output, as in `emulate ... | head`: not worth a message.
        return error.code === 'EPIPE' ? { code: 1 } : Ending.hostError(error.message);
    }
}

async function run(options) {
    const { pieces, functions } = await load(options.image);
    const machine = new Machine(onceEach(say));
    machine.gaugesStack = options.stack;
    machine.profile = options.profile ? new Profile() : undefined;
    const expectations = new Expectations(options.expect);
    const isTyped = isTypedAt(options);
    const script = options.uart.kind === 'stdio' && !isTyped ? scriptOf(options) : undefined;

    let session;
    const hands = {
        type: (bytes) => session.type(bytes),
        leave: () => session.end(Ending.powerOff()),
    };
    for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM']) {
        const ending = Ending.signal(signal);
        // Before the terminal is taken, so that it is given back.
        process.on(signal, () => (session ? session.end(ending) : process.exit(ending.code)));
    }
    const wire = await openWire(options.uart, { isTyped, hands, say });
    const tool = options.gdbPort === undefined ? undefined : new Debugger(machine);
    session = new Session({
        machine,
        wire,
        script: script?.lines,
        expectations,
        timeoutNanos: options.timeoutNanos,
        debugger: tool,
        say,
    });
    if (tool) {
        tool.onRelease = () => session.wake();
        await tool.listen(options.gdbPort, say);
    }
    script?.read((ending) => (ending ? session.end(ending) : session.wake()));
    try {
        return await session.run(pieces);
    } finally {
        await wire.close();
        if (options.cycles) {
            say(`${machine.cycles} cycles awake in ${formatTime(machine.nanos)}`);
        }
        if (options.stack) {
            say(`${machine.chip.stackDepth} bytes of stack`);
        }
        machine.profile?.lines(functions).forEach(say);
    }
}

async function load(path) {
    let file;
    try {
        file = await readFile(path);
    } catch (error) {
        throw new Error(`the image \`${path}\` cannot be read: ${error.message}`);
    }
    try {
        return readImage(file);
    } catch (error) {
        throw error instanceof ImageError ? new Error(`\`${path}\` is no image: ${error.message}`) : error;
    }
}

/** Whether a person types at this terminal. */
function isTypedAt({ uart, commands, script, expect }) {
    const hasPlan = commands.length > 0 || script !== undefined || expect.length > 0;
    return uart.kind === 'stdio' && !hasPlan && process.stdin.isTTY && process.stdout.isTTY;
}

/**
 * The lines to type, and how they are got; nothing when there are none, since texts are all that is waited for.
 *
 * @returns {{ lines: Script, read: (more: (ending?: object) => void) => void } | undefined}
 */
function scriptOf({ commands, script, expect }) {
    const isGiven = commands.length > 0 || script !== undefined;
    if (!isGiven && expect.length > 0) {
        return undefined;
    }
    const lines = new Script();
    commands.forEach((line) => lines.addLine(line));
    const read = (more) => {
        if (isGiven && script === undefined) {
            lines.end();
            return;
        }
        const isStdin = script === undefined || script === '-';
        const stream = isStdin ? process.stdin : createReadStream(script);
        stream.on('data', (bytes) => {
            lines.add(bytes);
            more();
        });
        stream.on('end', () => {
            lines.end();
            more();
        });
        stream.on('error', (error) => {
            const name = isStdin ? 'the input' : `the script \`${script}\``;
            more(Ending.hostError(`${name} cannot be read: ${error.message}`));
        });
    };
    return { lines, read };
}

/** Passes on what has not been said before: the machine may do the same thing a million times. */
function onceEach(tell) {
    const said = new Set();
    return (text) => {
        if (!said.has(text)) {
            said.add(text);
            tell(`the image: ${text}`);
        }
    };
}

/** Tells the user something, below whatever the machine has printed. */
function say(text) {
    process.stderr.write(`emulate: ${text}${process.stdin.isRaw ? '\r' : ''}\n`);
}
