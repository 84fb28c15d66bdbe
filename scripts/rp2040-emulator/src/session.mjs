// One run, from power-on to its ending: the machine, what is at the other end of its serial line, and what is waited
// for.
//
// The machine runs in slices, so that what comes from outside is heard in between.
//
// ```text
//             ┌── slice ──▶ why did it pause? ──▶ ending
//             │                 │
//             └─────────────────┴── wait for time, for keys, for a slow pipe
// ```
//
// With a person at the other end time passes as on the wall, and a machine with nothing to do waits for keys for ever.
// With a script, or nobody, it jumps over every sleep; a machine that waits for what will never come *hangs*.

import { setImmediate } from 'node:timers/promises';

import { Bell } from './bell.mjs';
import { Ending } from './ending.mjs';
import { Line } from './line.mjs';
import { Pause } from './machine.mjs';
import * as mailbox from './mailbox.mjs';
import { Pace } from './pace.mjs';
import { formatTime } from './simulated-time.mjs';

/** Instructions between two looks outside: a few milliseconds of the host's time. */
const SLICE = 50_000;

/** Ctrl-D. The first ends a line that is unfinished, the second the input. */
const END_OF_INPUT = Buffer.from([4, 4]);

const { State } = mailbox;

export class Session {
    #machine;
    #wire;
    #script;
    #expectations;
    #timeoutNanos;
    #say;
    #debugger;
    #pace;
    #line;
    #bell = new Bell();
    /** By somebody, and not yet on the line. */
    #typed = [];
    #output = [];
    #ending = null;
    #failedCommands = 0;
    #panicked = false;
    /** The image tells when its console reads. */
    #imageSpeaks = false;
    #endTyped = false;

    /**
     * @param {object} parts
     * @param {import('./machine.mjs').Machine} parts.machine not switched on yet
     * @param {import('./wire.mjs').Wire} parts.wire
     * @param {import('./script.mjs').Script} [parts.script] lines to type, if nobody types
     * @param {import('./expectations.mjs').Expectations} parts.expectations
     * @param {number} [parts.timeoutNanos]
     * @param {import('./debugger.mjs').Debugger} [parts.debugger]
     * @param {(text: string) => void} [parts.say] tells the user something on the way
     * @param {Pace} [parts.pace]
     */
    constructor(parts) {
        const { machine, wire, script, expectations, timeoutNanos = Infinity, say = () => {}, pace } = parts;
        const { debugger: tool } = parts;
        this.#machine = machine;
        this.#wire = wire;
        this.#script = script;
        this.#expectations = expectations;
        this.#timeoutNanos = timeoutNanos;
        this.#debugger = tool;
        this.#say = say;
        this.#pace = wire.isLive ? pace ?? new Pace() : null;
        this.#line = new Line((byte) => this.#hear(byte));
        machine.onStart = (chip) => {
            this.#line.plug(chip);
            tool?.attach(chip);
            this.#endTyped = false;
        };
        machine.onRest = () => this.#atRest();
    }

    /** Ends the run soon, whatever the machine does. */
    end(ending) {
        this.#ending ??= ending;
        this.#machine.stop();
        this.#bell.ring();
    }

    /** What somebody types. */
    type(bytes) {
        this.#typed.push(bytes);
        this.#bell.ring();
    }

    /** There is more to look at: of the script, or by the debugger's leave to run. */
    wake() {
        this.#bell.ring();
    }

    /**
     * Runs the image to its ending.
     *
     * @param {{ address: number, bytes: Uint8Array }[]} pieces
     * @returns {Promise<import('./ending.mjs').Ending>}
     */
    async run(pieces) {
        if (!this.#machine.powerOn(pieces, { isScript: this.#script !== undefined })) {
            return Ending.hostError(
                'the image does not boot: it has to begin with a second stage of 256 bytes, the last four its checksum',
            );
        }
        while (this.#ending === null) {
            if (this.#debugger?.isHalted) {
                await this.#bell.wait();
                continue;
            }
            this.#typed.splice(0).forEach((bytes) => this.#line.type(bytes));
            const pause = this.#machine.run({ until: this.#horizon(), instructions: SLICE });
            await this.#flush();
            this.#ending ??= this.#judge(pause);
            if (this.#ending === null) {
                await this.#wait(pause);
            }
        }
        return this.#ending;
    }

    /** How far the machine may go before it is looked at again. */
    #horizon() {
        return Math.min(this.#timeoutNanos, this.#pace?.until(this.#machine.nanos) ?? Infinity);
    }

    /** The ending that a pause is, if it is one. */
    #judge(pause) {
        if (this.#isOverByExpectation()) {
            return Ending.expectationsMet();
        }
        switch (pause.kind) {
            case Pause.FINISHED:
                return this.#finished();
            case Pause.RESET:
                return this.#reset(pause.cause);
            case Pause.LOCKUP:
                return Ending.lockup(pause.fault);
            case Pause.BOOT_LOADER:
                return Ending.bootLoader();
            case Pause.ASLEEP:
                return this.#wire.isLive ? this.#timedOut() : Ending.hang(this.#waiter());
            default:
                return this.#timedOut();
        }
    }

    #timedOut() {
        const isOver = this.#machine.nanos >= this.#timeoutNanos;
        return isOver ? Ending.timeout(formatTime(this.#timeoutNanos), this.#waiter()) : null;
    }

    async #wait(pause) {
        switch (pause.kind) {
            case Pause.STOPPED:
                // The script is a pipe that has nothing yet; or the debugger, which is asked at once.
                if (this.#script?.isWaitedFor) {
                    await this.#bell.wait();
                }
                break;
            case Pause.REACHED:
                await this.#bell.wait(this.#pace.aheadMilliseconds(this.#machine.nanos));
                break;
            case Pause.ASLEEP:
                await this.#bell.wait((this.#timeoutNanos - this.#machine.nanos) / 1e6);
                this.#machine.sleepUntil(Math.min(this.#pace.catchUp(), this.#timeoutNanos));
                break;
            default:
                await setImmediate();
        }
    }

    // ---- What the machine says.

    #hear(byte) {
        this.#output.push(byte);
        if (!this.#expectations.areMet) {
            this.#expectations.see(Buffer.from([byte]));
            if (this.#isOverByExpectation()) {
                this.#machine.stop();
            }
        }
    }

    async #flush() {
        if (this.#output.length > 0) {
            const bytes = Buffer.from(this.#output);
            this.#output = [];
            await this.#wire.write(bytes);
        }
    }

    // ---- What is waited for.

    #isOverByExpectation() {
        return this.#expectations.wereGiven && this.#expectations.areMet && this.#script === undefined;
    }

    /** Who waits for a machine that does nothing, or does not come to an end; a person need not be named. */
    #waiter() {
        if (!this.#expectations.areMet) {
            return `--expect ${JSON.stringify(this.#expectations.next)}`;
        }
        return this.#wire.isLive ? '' : 'the script';
    }

    // ---- What the script types.

    #atRest() {
        const { state } = this.#machine.said;
        this.#imageSpeaks ||= state !== State.SILENT;
        const reads = this.#imageSpeaks ? state === State.READING : true;
        if (this.#script === undefined || !reads || !this.#line.isQuiet) {
            return;
        }
        if (this.#panicked) {
            // It has started anew, and has said what there was to say about the panic.
            this.end(Ending.panic());
        } else if (this.#script.hasLine) {
            this.#typeAtConsole(this.#script.take());
        } else if (!this.#script.isOver) {
            this.#script.isWaitedFor = true;
            this.#machine.stop();
        } else if (this.#expectations.areMet && !this.#endTyped) {
            this.#endTyped = true;
            this.#typeAtConsole(END_OF_INPUT);
        }
    }

    #typeAtConsole(bytes) {
        mailbox.clear(this.#machine.chip.scratch);
        this.#line.type(bytes);
    }

    // ---- How the machine ends.

    #finished() {
        const { state, count } = this.#machine.said;
        if (state === State.PANICKED || this.#panicked) {
            return Ending.panic();
        }
        if (!this.#expectations.areMet) {
            return Ending.missing(this.#expectations.next);
        }
        this.#failedCommands += count;
        const counts = !this.#wire.isLive && this.#failedCommands > 0;
        return counts ? Ending.commandsFailed(this.#failedCommands) : Ending.powerOff();
    }

    #reset(cause) {
        const { state, count } = this.#machine.said;
        if (state === State.PANICKED) {
            if (this.#panicked) {
                return Ending.panic();
            }
            this.#panicked = this.#script !== undefined;
        } else if (state === State.ANEW) {
            this.#failedCommands += count;
        } else {
            this.#say(`the chip has been reset by its ${cause}`);
        }
        return this.#machine.reset(cause) ? null : Ending.bootLoader();
    }
}
