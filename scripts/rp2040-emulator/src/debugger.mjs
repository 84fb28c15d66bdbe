// A debugger's way into the machine: the GDB server of rp2040js, over our machine in place of its simulator.
//
// The machine stands still until the debugger lets it run. Breakpoints are BKPT instructions that the debugger puts into
// flash; one that it did not put there stops the machine too.

import { once } from 'node:events';
import { createServer } from 'node:net';

import { GDBConnection, GDBServer } from 'rp2040js';

import { Pause } from './machine.mjs';

const HOST = '127.0.0.1';

export class Debugger {
    /** Is called when the machine may run. */
    onRelease = () => {};

    #machine;
    #server;
    #halted = true;

    /** @param {import('./machine.mjs').Machine} machine */
    constructor(machine) {
        this.#machine = machine;
        this.#server = new Server(this.#target());
    }

    /** The machine is not to run. */
    get isHalted() {
        return this.#halted;
    }

    /** Waits for debuggers on a port; says which one. */
    async listen(port, say) {
        const server = createServer((socket) => this.#serve(socket));
        server.listen(port, HOST);
        await once(server, 'listening');
        this.close = () => server.close();
        say(`waiting for a debugger; in gdb-multiarch: target remote ${HOST}:${server.address().port}`);
    }

    /** Hears of the breakpoints of a new chip, and steps it. */
    attach(chip) {
        chip.mcu.step = () => this.#step();
        chip.onBreakpoint = () => {
            if (this.#server.connections.size === 0) {
                return false;
            }
            // To the breakpoint itself. The core knows how far, which depends on its kind.
            chip.core.PC -= chip.core.breakRewind;
            this.#halt();
            for (const connection of this.#server.connections) {
                connection.onBreakpoint();
            }
            return true;
        };
    }

    #serve(socket) {
        socket.setNoDelay(true);
        const connection = new GDBConnection(this.#server, (text) => socket.write(text));
        socket.on('data', (bytes) => connection.feedData(bytes.toString('latin1')));
        socket.on('error', () => socket.destroy());
        socket.on('close', () => {
            this.#server.removeConnection(connection);
            this.#release();
        });
    }

    /** What the server takes for its simulator. */
    #target() {
        const machine = this.#machine;
        const isRunning = () => !this.#halted;
        return {
            get rp2040() {
                return machine.chip.mcu;
            },
            get executing() {
                return isRunning();
            },
            execute: () => this.#release(),
            stop: () => this.#halt(),
        };
    }

    #halt() {
        this.#halted = true;
        this.#machine.stop();
    }

    #release() {
        this.#halted = false;
        this.onRelease();
    }

    #step() {
        const pause = this.#machine.run({ instructions: 1 });
        if (pause.kind === Pause.RESET) {
            this.#machine.reset(pause.cause);
        }
    }
}

class Server extends GDBServer {
    /** The original would take the breakpoints for itself. */
    addConnection(connection) {
        this.connections.add(connection);
    }
}
