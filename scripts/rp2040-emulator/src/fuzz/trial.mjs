// A machine, somebody who types at it without mercy, and now and then a question that it has to answer.
//
// The machine is on all the time. If it is switched off, resets or panics since a command said so, it starts again and the
// trial goes on. All else that ends it ends the trial: a panic or a reset of its own, a lockup, and no answer.

import { Line } from '../line.mjs';
import { Machine, Pause } from '../machine.mjs';
import { State } from '../mailbox.mjs';
import { formatTime } from '../simulated-time.mjs';
import { Random } from './random.mjs';
import { Typist } from './typist.mjs';

const SECOND = 1e9;
const MINUTE = 60 * SECOND;
/** The machine is looked at so often while an answer is waited for. */
const LOOK = SECOND / 10;
/** How long a machine may take to boot, to leave what it was doing, and to answer. */
const PATIENCE = 30 * SECOND;
/** From a Ctrl-C to the next. Commands that last longer give up what was typed ahead of them, and read on. */
const PAUSE = 1.5 * SECOND;

const PROMPT = 'mnemos> ';
const CTRL_C = Buffer.from([3]);
/** What a terminal shows after Ctrl-C, if it was the last that the console had to read. */
const CANCELLED = /\^C\r\n\rmnemos> \x1b\[K$/;
/** How a run begins after one that did not end well; and the one reason for that which is well. */
const BAD_ENDING = /^the last run /;
const ASKED_FOR = /^the last run ended in a panic after [0-9.]+ s: somebody asked for a panic/;

/** What is shown of what was typed and said, when a trial fails. */
const SHOWN = 600;
const KEPT = 8192;

/** Why a trial has failed. */
export class TrialError extends Error {}

export class Trial {
    /** Times the machine was started again, since a command had ended it. */
    restarts = 0;
    /** Questions that were answered. */
    answers = 0;
    /** Bytes that the machine has said. */
    heard = 0;

    #machine;
    #pieces;
    #typist;
    #line = new Line((byte) => this.#hear(byte));
    #typed = Buffer.alloc(0);
    #output = '';
    #outputLine = '';
    #hasBooted = false;
    #failure = null;

    /**
     * @param {object} parts
     * @param {{ address: number, bytes: Uint8Array }[]} parts.pieces of the image
     * @param {number} parts.seed
     * @param {Machine} [parts.machine]
     */
    constructor({ pieces, seed, machine = new Machine() }) {
        this.#pieces = pieces;
        this.#machine = machine;
        this.#typist = new Typist(new Random(seed));
        machine.onStart = (chip) => this.#line.plug(chip);
    }

    /** The machine's time. */
    get nanos() {
        return this.#machine.nanos;
    }

    /** Bytes typed, but for the questions. */
    get bytes() {
        return this.#typist.bytes;
    }

    /** Whole commands among them. */
    get commands() {
        return this.#typist.commands;
    }

    /**
     * Types for so long, and asks every minute and at the end.
     *
     * @param {number} nanos of simulated time
     * @param {() => void} [onAnswer] is called after each answer
     * @throws {TrialError}
     */
    run(nanos, onAnswer = () => {}) {
        this.#powerOn();
        const end = this.#machine.nanos + nanos;
        let question = this.#machine.nanos;
        do {
            question = Math.min(question + MINUTE, end);
            while (this.#machine.nanos < question) {
                const { bytes, pauseNanos } = this.#typist.next();
                this.#type(bytes);
                this.#runFor(bytes.length * this.#characterNanos + pauseNanos);
            }
            this.#ask();
            onAnswer();
        } while (question < end);
    }

    /**
     * Runs a command that answers in one line.
     *
     * @returns {string} the line
     * @throws {TrialError}
     */
    query(command) {
        this.#settle();
        this.#output = '';
        this.#type(Buffer.from(`${command}\r`));
        const answer = /\n([^\r\n]*)\r\n/;
        this.#waitFor(() => answer.test(this.#output), `an answer to \`${command}\``);
        return answer.exec(this.#output)[1];
    }

    // ---- Typing.

    #type(bytes) {
        this.#typed = Buffer.concat([this.#typed, bytes]).subarray(-KEPT);
        this.#line.type(bytes);
    }

    get #characterNanos() {
        return this.#machine.chip.uarts[0].characterNanos;
    }

    #ask() {
        for (;;) {
            const { restarts } = this;
            try {
                const text = `still here ${this.answers + 1}`;
                const answer = this.query(`echo ${text}`);
                if (answer !== text) {
                    this.#fail(`asked for ${JSON.stringify(text)}, the console said ${JSON.stringify(answer)}`);
                }
                this.answers++;
                return;
            } catch (error) {
                // What was typed before has ended the machine in the middle of the question.
                if (!(error instanceof TrialError) || this.restarts === restarts || this.#failure) {
                    throw error;
                }
            }
        }
    }

    /** Types Ctrl-C until the console shows its prompt, as a person would. */
    #settle() {
        const end = this.#machine.nanos + PATIENCE;
        do {
            if (this.#machine.nanos >= end) {
                this.#fail(`Ctrl-C has not brought the prompt back within ${formatTime(PATIENCE)}`);
            }
            this.#output = '';
            this.#type(CTRL_C);
            this.#runFor(PAUSE);
        } while (!CANCELLED.test(this.#output));
    }

    // ---- Running.

    #powerOn() {
        this.#output = '';
        if (!this.#machine.powerOn(this.#pieces)) {
            throw new TrialError('the image does not boot: the checksum of its first 256 bytes is wrong');
        }
        this.#hasBooted = false;
        this.#waitFor(() => this.#output.includes(PROMPT), 'the prompt');
        this.#hasBooted = true;
    }

    #waitFor(isThere, what) {
        const end = this.#machine.nanos + PATIENCE;
        while (!isThere()) {
            if (this.#machine.nanos >= end) {
                this.#fail(`${what} has not come within ${formatTime(PATIENCE)}`);
            }
            this.#runFor(LOOK);
        }
    }

    #runFor(nanos) {
        const end = this.#machine.nanos + nanos;
        while (this.#machine.nanos < end) {
            const pause = this.#machine.run({ until: end });
            if (this.#failure) {
                this.#fail(this.#failure);
            }
            switch (pause.kind) {
                case Pause.REACHED:
                    return;
                case Pause.ASLEEP:
                    this.#machine.sleepUntil(end);
                    return;
                case Pause.FINISHED:
                    if (!this.#hasBooted) {
                        this.#fail('the machine has switched itself off before it showed a prompt');
                    }
                    this.restarts++;
                    this.#powerOn();
                    return;
                case Pause.RESET:
                    this.#reset(pause.cause);
                    break;
                case Pause.LOCKUP:
                    this.#fail(`the core has locked up: a fault while it handled one (${pause.fault})`);
                    break;
                default:
                    this.#fail(`the machine came to a stop: ${pause.kind}`);
            }
        }
    }

    #reset(cause) {
        const { state } = this.#machine.said;
        if (state !== State.ANEW && state !== State.PANICKED) {
            this.#fail(`the chip has been reset by its ${cause}`);
        }
        this.restarts++;
        this.#machine.reset(cause);
    }

    #hear(byte) {
        this.heard++;
        const character = String.fromCharCode(byte);
        this.#output = (this.#output + character).slice(-KEPT);
        this.#outputLine += character;
        if (character === '\n') {
            const line = this.#outputLine.trim();
            if (BAD_ENDING.test(line) && !ASKED_FOR.test(line)) {
                this.#failure ??= line;
            }
            this.#outputLine = '';
        }
    }

    #fail(why) {
        this.#failure = why;
        const text = (what) => JSON.stringify(what.slice(-SHOWN));
        throw new TrialError(
            `after ${formatTime(this.#machine.nanos)} of the machine's time: ${why}\n` +
                `typed last: ${text(this.#typed.toString('latin1'))}\nsaid last: ${text(this.#output)}`,
        );
    }
}
