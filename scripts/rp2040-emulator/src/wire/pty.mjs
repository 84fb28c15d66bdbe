// The serial line on a pseudo-terminal, for any terminal program.
//
// Node cannot open one, so a few lines of Python do, and pass the bytes through.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const HELPER = fileURLToPath(new URL('open_pty.py', import.meta.url));

/**
 * @param {import('../wire.mjs').Hands} hands
 * @param {(text: string) => void} say
 */
export async function open(hands, say) {
    const helper = spawn('python3', [HELPER], { stdio: ['pipe', 'pipe', 'inherit'] });
    const failed = once(helper, 'error').then(([error]) => {
        throw new Error(`no pseudo-terminal can be opened: it needs python3 (${error.message}); use --uart tcp:PORT`);
    });
    const ended = once(helper, 'exit').then(() => {
        throw new Error('no pseudo-terminal can be opened: this system has none to give; use --uart tcp:PORT');
    });
    const path = await Promise.race([firstLine(helper.stdout), failed, ended]);
    failed.catch(() => {});
    ended.catch(() => hands.leave());
    say(`uart0 is at ${path}`);
    helper.stdout.on('data', (bytes) => hands.type(bytes));
    helper.stdin.on('error', () => hands.leave());
    return {
        isLive: true,
        write: async (bytes) => {
            if (!helper.stdin.write(bytes)) {
                await once(helper.stdin, 'drain');
            }
        },
        close: async () => {
            helper.stdin.end();
            await ended.catch(() => {});
        },
    };
}

/** The line that a stream begins with, which may come in pieces. Nothing follows it before the path is known. */
async function firstLine(stream) {
    let line = '';
    while (!line.endsWith('\n')) {
        const [piece] = await once(stream, 'data');
        line += piece;
    }
    return line.trim();
}
