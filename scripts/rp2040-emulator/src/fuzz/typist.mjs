// What somebody types who means no good: commands, commands with mistakes, editing keys, and noise.
//
// The words that end a machine are spoilt where they would come up, so that it runs on. The console's completion may still
// finish one that was only begun; so whoever runs the machine has to be ready for that.

const ENTER = Buffer.from('\r');
const CTRL_C = Buffer.from([3]);

/** Commands of all kinds. `#` stands for a number. */
const COMMANDS = [
    'help', 'help #', 'help events', 'version', 'uptime', 'ps', 'ps --json', 'top', 'top # #', 'services', 'services --json',
    'connections', 'connections --json', 'heap', 'heap owners', 'heap owners --json', 'heap --json', 'irq', 'irq --json', 'log',
    'log debug', 'log uart0 trace', 'log off', 'log info', 'events', 'events #', 'events kinds', 'events on poll',
    'events off poll', 'events on all', 'events off all', 'events on connect', 'call echo', 'call echo Number #',
    'call echo Text "some text"', 'call gpio', 'call gpio Pin #', 'call gpio Configure{pin: #, mode: Output}',
    'call gpio Write{pin: #, high: true}', 'call gpio Wait{pin: #, edge: Both}', 'call serial Stats', 'call serial Read',
    'call serial Write([#, #, #])', 'call serial Flush', 'call log Line #', 'call inspect Heap', 'call inspect Task #',
    'call console Print "from outside"', 'call console', 'ping', 'ping echo #', 'ping log', 'echo #', 'echo ' + 'long '.repeat(80),
    'gpio', 'gpio #', 'gpio # out', 'gpio # high', 'gpio # low', 'gpio # up', 'gpio # down', 'gpio # in', 'gpio # wait',
    'sleep #', 'sleep 0.#', 'sleep #ms', 'sleep #us', 'drivers', 'drivers --json', 'spawn echo', 'spawn gpio', 'kill echo', 'kill gpio',
    'restart echo', 'restart gpio', 'restart log', 'restart inspect', 'restart console', '# a remark', 'echo "', '',
];

const NUMBERS = ['0', '1', '2', '7', '25', '29', '30', '64', '255', '256', '999', '65536', '4294967296', '18446744073709551615',
    '18446744073709551616', '-1', '0x10', '1e9'];

/** What a terminal sends for its keys; some sequences are cut short, or are no keys at all. */
const KEYS = [
    '\t', '\t\t', '\x7f', '\b', '\x01', '\x02', '\x05', '\x06', '\x0b', '\x0c', '\x0e', '\x10', '\x14', '\x15', '\x17', '\x1b[A', '\x1b[B',
    '\x1b[C', '\x1b[D', '\x1b[1;5C', '\x1b[1;5D', '\x1b[H', '\x1b[F', '\x1b[3~', '\x1bOA', '\x1bb', '\x1bf', '\x1b', '\x1b[', '\x1b[999999999;1~',
    '\x1b]0;title', '\x04',
];

/** What must not be typed: it would end the machine, or take its console away for good. */
const FATAL = /poweroff|reboot|panic|kill\s+[\du]/g;
/** The longest of these words, with room for spaces. */
const FATAL_LENGTH = 16;

const LONGEST_NOISE = 64;
const LONGEST_LINE = 700;
const MILLISECOND = 1e6;

export class Typist {
    /** Bytes and whole commands typed so far. */
    bytes = 0;
    commands = 0;

    #random;
    #invent;
    #tail = '';

    /**
     * @param {import('./random.mjs').Random} random
     * @param {() => Buffer} [invent] thinks of something to type
     */
    constructor(random, invent = () => this.#any()) {
        this.#random = random;
        this.#invent = invent;
    }

    /**
     * What is typed next, and how long it takes until the typist goes on.
     *
     * @returns {{ bytes: Buffer, pauseNanos: number }}
     */
    next() {
        const bytes = this.#harmless(this.#invent());
        this.bytes += bytes.length;
        return { bytes, pauseNanos: this.#pause() };
    }

    #any() {
        switch (this.#random.below(10)) {
            case 0:
            case 1:
            case 2:
            case 3:
                this.commands++;
                return Buffer.concat([Buffer.from(this.#command()), ENTER]);
            case 4:
                return this.#withMistakes(Buffer.concat([Buffer.from(this.#command()), ENTER]));
            case 5:
                return Buffer.from(this.#random.oneOf(KEYS).repeat(1 + this.#random.below(4)));
            case 6:
                return this.#random.once(8) ? this.#noise(LONGEST_LINE, 0x20, 0x7f) : CTRL_C;
            case 7:
                return this.#noise(LONGEST_NOISE, 0x20, 0x7f);
            default:
                return this.#noise(LONGEST_NOISE, 0, 0x100);
        }
    }

    #command() {
        return this.#random.oneOf(COMMANDS).replaceAll('#', () => this.#random.oneOf(NUMBERS));
    }

    /** Changes, leaves out or doubles up to three bytes. */
    #withMistakes(bytes) {
        const wrong = [...bytes];
        for (let left = 1 + this.#random.below(3); left > 0; left--) {
            const at = this.#random.below(wrong.length);
            const byte = this.#random.below(0x100);
            wrong.splice(at, this.#random.below(2), ...(this.#random.once(3) ? [] : [byte]));
        }
        return Buffer.from(wrong);
    }

    #noise(longest, from, to) {
        return Buffer.from(Array.from({ length: 1 + this.#random.below(longest) }, () => from + this.#random.below(to - from)));
    }

    /** Spoils words that would be fatal, though they began before. */
    #harmless(bytes) {
        const before = this.#tail.length;
        const text = this.#tail + bytes.toString('latin1');
        const spoilt = text.replaceAll(FATAL, (word) => `${word.slice(0, -1)}!`);
        this.#tail = spoilt.slice(-FATAL_LENGTH);
        return Buffer.from(spoilt.slice(before), 'latin1');
    }

    /** Mostly none: what follows is typed ahead. */
    #pause() {
        switch (this.#random.below(32)) {
            case 0:
                return this.#random.below(500) * MILLISECOND;
            case 1:
            case 2:
                return this.#random.below(50) * MILLISECOND;
            default:
                return 0;
        }
    }
}
