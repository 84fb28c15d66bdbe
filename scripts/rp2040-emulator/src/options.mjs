// The command line.

import { parseArgs } from 'node:util';

import { EXIT_CODES } from './ending.mjs';
import { parseTime } from './simulated-time.mjs';

const DEFAULT_GDB_PORT = 3333;

export const USAGE = `Usage: scripts/emulate IMAGE [options]

Runs an image for the RP2040 (ELF, UF2, or the plain contents of flash) without the chip.

On a terminal it is the console at UART0; every key goes to the machine, and Ctrl-] leaves. With a pipe, --command or
--script it types plain lines, prints what the machine says, and powers off at the end. Then, and with --expect,
simulated time passes as fast as it can: sleeping takes none.

Options:
  --uart stdio|tcp:ADDR|pty  what is at the other end of UART0 (stdio). For tcp, ADDR is HOST:PORT or just a PORT of
                             this host; port 0 picks a free one. For pty, any terminal program can open the device.
                             Where it listens is printed on stderr.
  --script FILE              types the lines of a file, each when the console waits for it; "-" is standard input
  --command LINE             types a line before the script's; may be given several times
  --expect TEXT              waits for a text in the output; several have to come in this order. When the last has come,
                             and no lines are left to type, the run is over
  --timeout TIME             ends the run after so much simulated time: 250ms, 10s, 5m
  --cycles                   prints at the end how many cycles the core was awake
  --stack                    prints at the end how deep the main stack was; the run takes longer for it
  --profile                  prints at the end how many cycles each function of an ELF file took, and how often it was
                             called; the run takes longer for it
  --gdb [PORT]               waits for a debugger on this port of this host (${DEFAULT_GDB_PORT}) before anything runs
  -h, --help                 prints this

Examples:
  scripts/emulate target/rp2040/mnemos.elf
  scripts/emulate target/rp2040/mnemos.uf2 --command services --command ps --timeout 10s
  scripts/emulate target/rp2040/mnemos.elf --expect 'mnemos> ' --cycles

${EXIT_CODES}
`;

/** Why a command line is refused. */
export class UsageError extends Error {}

/**
 * @typedef {object} Options
 * @property {boolean} help
 * @property {string} image
 * @property {{ kind: 'stdio' | 'pty' } | { kind: 'tcp', host: string, port: number }} uart
 * @property {string[]} commands
 * @property {string} [script]
 * @property {string[]} expect
 * @property {number} [timeoutNanos]
 * @property {boolean} cycles
 * @property {boolean} stack
 * @property {boolean} profile
 * @property {number} [gdbPort]
 */

/**
 * Reads a command line.
 *
 * @param {string[]} args without the program's name
 * @returns {Options}
 * @throws {UsageError}
 */
export function parseOptions(args) {
    const { values, positionals } = parse(withGdbPort(args));
    if (values.help) {
        return { help: true };
    }
    if (positionals.length !== 1) {
        throw new UsageError(
            positionals.length === 0
                ? 'There is no image to run: name one, such as target/rp2040/mnemos.elf.'
                : `One image runs at a time, but ${positionals.length} are named: ${positionals.join(', ')}.`,
        );
    }
    const uart = parseUart(values.uart);
    const lines = values.command.length > 0 || values.script !== undefined;
    if (lines && uart.kind !== 'stdio') {
        throw new UsageError('--command and --script are typed at the serial port: they need --uart stdio.');
    }
    if (values.expect.some((text) => text === '')) {
        throw new UsageError('--expect waits for a text, and an empty one is always there.');
    }
    return {
        help: false,
        image: positionals[0],
        uart,
        commands: values.command,
        script: values.script,
        expect: values.expect,
        timeoutNanos: values.timeout === undefined ? undefined : parseTimeout(values.timeout),
        cycles: values.cycles,
        stack: values.stack,
        profile: values.profile,
        gdbPort: values.gdb === undefined ? undefined : parsePort('--gdb', values.gdb),
    };
}

function parse(args) {
    try {
        return parseArgs({
            args,
            allowPositionals: true,
            options: {
                uart: { type: 'string', default: 'stdio' },
                script: { type: 'string' },
                command: { type: 'string', multiple: true, default: [] },
                expect: { type: 'string', multiple: true, default: [] },
                timeout: { type: 'string' },
                cycles: { type: 'boolean', default: false },
                stack: { type: 'boolean', default: false },
                profile: { type: 'boolean', default: false },
                gdb: { type: 'string' },
                help: { type: 'boolean', short: 'h', default: false },
            },
        });
    } catch (error) {
        throw new UsageError(error.message);
    }
}

/** Gives `--gdb` the port that may be left out. */
function withGdbPort(args) {
    return args.map((arg, index) => {
        const portFollows = /^\d+$/.test(args[index + 1] ?? '');
        return arg === '--gdb' && !portFollows ? `--gdb=${DEFAULT_GDB_PORT}` : arg;
    });
}

function parseUart(text) {
    if (text === 'stdio' || text === 'pty') {
        return { kind: text };
    }
    const address = /^tcp:(?:(\[[^\]]+\]|[^:]+):)?(\d+)$/.exec(text);
    if (!address) {
        throw new UsageError(
            `--uart does not know \`${text}\`: use \`stdio\`, \`pty\`, \`tcp:PORT\` or \`tcp:HOST:PORT\`.`,
        );
    }
    const [, host = '127.0.0.1', port] = address;
    return { kind: 'tcp', host: host.replace(/^\[|\]$/g, ''), port: parsePort('--uart', port) };
}

function parsePort(option, text) {
    const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
    if (!(port <= 0xffff)) {
        throw new UsageError(`${option} needs a port from 0 to 65535, not \`${text}\`.`);
    }
    return port;
}

function parseTimeout(text) {
    const nanos = parseTime(text);
    if (nanos === undefined) {
        throw new UsageError(`--timeout needs a time such as 250ms, 10s or 5m, not \`${text}\`.`);
    }
    return nanos;
}
