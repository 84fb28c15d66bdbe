// A machine whose image is written here: a console at UART0 that keeps the convention of the mailbox, or does not.
//
// Only the core is replaced. The UART, its pins, the clock and the scratch registers are those of the emulated chip, so
// bytes take their time, and a byte that comes while nobody reads is lost.

import { Machine } from '../../src/machine.mjs';
import { Reset } from '../../src/fault.mjs';

const DR = 0x00;
const FR = 0x18;
const CR = 0x30;
const RXFE = 1 << 4;
const TXFF = 1 << 5;
const ON = 0x301;
const FUNCTION_UART = 2;

const END_OF_INPUT = 4;
const MAILBOX = 1;

export class ConsoleMachine extends Machine {
    /** Lines that were read, of all chips. */
    lines = [];
    /** Bytes that came while the console was busy. */
    lost = 0;

    /**
     * @param {object} [options]
     * @param {boolean} [options.speaks] it tells when it reads
     * @param {number} [options.bootNanos] how long it is busy at first
     * @param {boolean} [options.isDeaf] it never reads
     */
    constructor({ speaks = true, bootNanos = 1e6, isDeaf = false } = {}) {
        super();
        this.options = { speaks, bootNanos, isDeaf };
    }

    powerOn(pieces, desk) {
        super.powerOn(pieces, desk);
        this.#replaceCore();
        return true;
    }

    reset(cause) {
        super.reset(cause);
        this.#replaceCore();
        return true;
    }

    #replaceCore() {
        const { chip, options } = this;
        const image = new Image(this, chip, options);
        chip.core.waiting = false;
        chip.execute = (instructions) => {
            image.run();
            chip.core.waiting = true;
            return instructions - 1;
        };
        chip.tryWake = () => image.hasWork();
    }
}

class Image {
    #machine;
    #chip;
    #uart;
    #options;
    #line = '';
    #output = [];
    #busy = true;
    #failed = 0;
    #isDue = true;
    #work;

    constructor(machine, chip, options) {
        this.#machine = machine;
        this.#chip = chip;
        this.#uart = chip.uarts[0];
        this.#options = options;
        this.#uart.writeUint32Atomic(CR, ON, 0);
        for (const pin of [0, 1]) {
            chip.mcu.gpio[pin].ctrl = FUNCTION_UART;
        }
        this.#work = chip.clock.createAlarm(() => {
            this.#busy = false;
            this.#isDue = true;
        });
        this.#work.schedule(options.bootNanos);
    }

    hasWork() {
        const canSend = this.#output.length > 0 && !(this.#uart.readUint32(FR) & TXFF);
        return this.#isDue || canSend || !this.#uart.isRead;
    }

    run() {
        this.#isDue = false;
        while (!this.#uart.isRead) {
            this.#hear(this.#uart.readUint32(DR) & 0xff);
        }
        while (this.#output.length > 0 && !(this.#uart.readUint32(FR) & TXFF)) {
            this.#uart.writeUint32Atomic(DR, this.#output.shift(), 0);
        }
        if (this.#chip.scratch[MAILBOX] === 0 || !this.#isFinal()) {
            this.#tell(this.#busy || this.#output.length > 0 ? 'w' : 'r');
        }
    }

    #isFinal() {
        return 'op'.includes(String.fromCharCode((this.#chip.scratch[MAILBOX] >>> 8) & 0xff));
    }

    #tell(letter, count = 0) {
        if (this.#options.speaks) {
            this.#chip.scratch[MAILBOX] = ((0x6d6e << 16) | (letter.charCodeAt(0) << 8) | count) >>> 0;
        }
    }

    #hear(byte) {
        if (this.#options.isDeaf) {
            return;
        }
        if (this.#busy) {
            this.#machine.lost++;
        } else if (byte === END_OF_INPUT) {
            this.#tell('o', this.#failed);
        } else if (byte === 0x0a) {
            const line = this.#line;
            this.#line = '';
            this.#machine.lines.push(line);
            this.#command(line.split(' '));
        } else {
            this.#line += String.fromCharCode(byte);
        }
    }

    #command([name, argument]) {
        switch (name) {
            case 'say':
                this.#output.push(...Buffer.from(`${argument}\n`));
                break;
            case 'sleep':
                this.#busy = true;
                this.#work.schedule(Number(argument) * 1e6);
                break;
            case 'fail':
                this.#failed++;
                break;
            case 'poweroff':
                this.#tell('o', this.#failed);
                break;
            case 'panic':
                this.#tell('p');
                break;
            case 'panic-and-reset':
                this.#tell('p');
                throw new Reset('watchdog timer');
            case 'reboot':
                this.#tell('n', this.#failed);
                throw new Reset('core');
            case 'bite':
                throw new Reset('watchdog timer');
            case 'die':
                this.#busy = true;
                break;
        }
    }
}
