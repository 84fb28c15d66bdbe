// What is at the other end of the serial line.

import * as pty from './wire/pty.mjs';
import * as stdio from './wire/stdio.mjs';
import * as tcp from './wire/tcp.mjs';

/**
 * @typedef {object} Wire
 * @property {boolean} isLive somebody types whenever they like, and the machine keeps their time
 * @property {(bytes: Buffer) => Promise<void>} write takes what the machine says, when there is room for it
 * @property {() => Promise<void>} close sees the last of it off, and gives back what was borrowed
 *
 * @typedef {object} Hands what a wire does to a run
 * @property {(bytes: Buffer) => void} type
 * @property {() => void} leave
 */

/**
 * Opens what an option asks for.
 *
 * @param {import('./options.mjs').Options['uart']} uart
 * @param {object} circumstances
 * @param {boolean} circumstances.isTyped somebody types at standard input
 * @param {Hands} circumstances.hands
 * @param {(text: string) => void} circumstances.say
 * @returns {Promise<Wire>}
 * @throws {Error} when it cannot be had
 */
export async function openWire(uart, { isTyped, hands, say }) {
    switch (uart.kind) {
        case 'tcp':
            return tcp.listen(uart, hands, say);
        case 'pty':
            return pty.open(hands, say);
        default:
            return isTyped ? stdio.terminal(hands) : stdio.output();
    }
}
