// This process's own terminal, or just its output.

/** Ctrl-]: the way out of a machine whose console does not answer, where Ctrl-C and Ctrl-D are keys like any other. */
const LEAVE = 0x1d;

/** Switches attributes off and shows the cursor: the machine may have been stopped amid a coloured line. */
const SANE = '\x1b[0m\x1b[?25h';

/** Plain output, to a pipe or a file as well. */
export function output() {
    expectErrors();
    return { isLive: false, write, close: async () => {} };
}

/**
 * The terminal in raw mode: every key goes to the machine. It is given back however the process ends.
 *
 * @param {import('../wire.mjs').Hands} hands
 */
export function terminal(hands) {
    const { stdin, stdout } = process;
    expectErrors();
    stdin.setRawMode(true);
    const giveBack = () => {
        if (stdin.isRaw) {
            stdin.setRawMode(false);
            stdout.write(SANE);
        }
    };
    process.once('exit', giveBack);
    stdin.on('data', (bytes) => {
        const leave = bytes.indexOf(LEAVE);
        hands.type(leave < 0 ? bytes : bytes.subarray(0, leave));
        if (leave >= 0) {
            // The shell's prompt does not belong behind the machine's.
            stdout.write('\r\n');
            hands.leave();
        }
    });
    // The terminal is gone.
    stdin.on('end', () => hands.leave());
    return {
        isLive: true,
        write,
        close: async () => {
            stdin.pause();
            giveBack();
        },
    };
}

/** Whoever writes is told that nobody reads any more; without this the process would end with a stack trace. */
function expectErrors() {
    process.stdout.on('error', () => {});
}

function write(bytes) {
    return new Promise((resolve, reject) => {
        process.stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
}
