// The serial line on a TCP socket: raw bytes, one client at a time.
//
// What the machine says while nobody is connected is kept for the next client, the last of it at least.

import { once } from 'node:events';
import { createServer } from 'node:net';

/** Bytes kept for the next client. */
const KEPT = 64 * 1024;
/** How long a client that does not read may hold up the end. */
const PARTING_MILLISECONDS = 2000;

/**
 * @param {{ host: string, port: number }} address
 * @param {import('../wire.mjs').Hands} hands
 * @param {(text: string) => void} say
 */
export async function listen({ host, port }, hands, say) {
    let client = null;
    let unsaid = Buffer.alloc(0);
    const server = createServer((socket) => {
        if (client !== null) {
            socket.end('the port is taken\r\n');
            return;
        }
        client = socket;
        socket.setNoDelay(true);
        socket.on('data', (bytes) => hands.type(bytes));
        // A lost connection and a closed one come to the same.
        socket.on('error', () => socket.destroy());
        socket.on('close', () => (client = null));
        socket.write(unsaid);
        unsaid = Buffer.alloc(0);
    });
    server.listen(port, host);
    await once(server, 'listening');
    const { address, port: actual } = server.address();
    say(`uart0 is at tcp:${address.includes(':') ? `[${address}]` : address}:${actual}`);
    return {
        isLive: true,
        write: async (bytes) => {
            if (client === null) {
                unsaid = Buffer.concat([unsaid, bytes]).subarray(-KEPT);
            } else if (!client.write(bytes)) {
                const socket = client;
                await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
            }
        },
        close: async () => {
            server.close();
            if (client !== null) {
                const socket = client;
                socket.end();
                await Promise.race([once(socket, 'close'), timeout(PARTING_MILLISECONDS)]);
                socket.destroy();
            }
        },
    };
}

function timeout(milliseconds) {
    return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}
