// How a run ends, and the exit code that says so: the simulator's codes.

export const EXIT_CODES = `Exit codes:
  0  the machine was powered off, or every text of --expect was seen
  1  the host failed: a file, an address, an image that does not boot
  2  wrong usage of this program
  3  the kernel panicked, or the core locked up
  4  hang: a script or a text of --expect waits, and nothing in the machine can run again; or --timeout has come
  5  a console command failed, with --script, --command or a pipe
  6  the machine was powered off before every text of --expect was seen
  128 + N: ended by signal N`;

const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };

/**
 * @typedef {{ code: number, message?: string }} Ending what the shell and the user are told
 */

export const Ending = {
    powerOff: () => ({ code: 0 }),
    /** Everything that was waited for has come. */
    expectationsMet: () => ({ code: 0 }),
    bootLoader: () => ({ code: 0, message: 'the chip waits in its boot loader for a UF2 file' }),
    hostError: (message) => ({ code: 1, message }),
    usage: (message) => ({ code: 2, message: `${message}\nFor more information, try --help.` }),
    panic: () => ({ code: 3, message: 'kernel panic, the machine has stopped' }),
    lockup: (fault) => ({ code: 3, message: `the core has locked up: a fault while it handled one (${fault})` }),
    hang: (waitsFor) => ({
        code: 4,
        message: `the machine hangs: ${waitsFor} waits for it, and nothing in it can run again`,
    }),
    timeout: (time, waitsFor) => ({
        code: 4,
        message: `the machine still runs after ${time} of its time${waitsFor ? `, and ${waitsFor} waits for it` : ''}`,
    }),
    commandsFailed: (count) => ({
        code: 5,
        message: count === 1 ? 'a console command failed' : `${count} console commands failed`,
    }),
    missing: (text) => ({ code: 6, message: `the machine was powered off before it said ${JSON.stringify(text)}` }),
    signal: (name) => ({ code: 128 + SIGNALS[name] }),
};
