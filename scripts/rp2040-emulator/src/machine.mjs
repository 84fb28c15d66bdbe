// A board with a chip: powered on with an image in its flash, run, and reset when the chip asks for it.
//
// Time goes by in two ways. While the core is awake each instruction takes its cycles. While it sleeps nothing happens
// until the next alarm of a peripheral, so the clock jumps there.
//
// ```text
//  awake ──WFI, WFE──▶ at rest: onRest() ──▶ the next alarm ──▶ something pending? ──▶ awake
//    ▲                                           │ none          └─ no: at rest
//    │                                           ▼
//    └── reset ◀── Pause.RESET              Pause.ASLEEP
// ```

import { Chip } from './chip.mjs';
import { BootLoader } from './corrections/rom.mjs';
import { Lockup, Reset } from './fault.mjs';
import * as mailbox from './mailbox.mjs';
import { FLASH, RAM } from './memory-map.mjs';

/** Why `run` has returned. */
export const Pause = {
    /** All the instructions that it was allowed are executed. */
    SPENT: 'spent',
    /** The time that it was allowed has come. */
    REACHED: 'reached',
    /** Nothing in the chip will ever wake it: only something that is sent to it can. */
    ASLEEP: 'asleep',
    /** Somebody asked for it. */
    STOPPED: 'stopped',
    /** The image has said that it is off, or has panicked, and sleeps for good. */
    FINISHED: 'finished',
    /** The chip is to start anew. */
    RESET: 'reset',
    /** A fault in the handler of faults, and no watchdog. */
    LOCKUP: 'lockup',
    /** The chip waits for an image over USB. */
    BOOT_LOADER: 'boot loader',
};

export class Machine {
    /** Is called with each new chip, before it runs. */
    onStart = (_chip) => {};
    /** Whether each new chip is to know how deep its stack gets. */
    gaugesStack = false;
    /** Is told of each instruction that is executed, if there is one. */
    profile;
    /** Is called whenever the core is at rest. */
    onRest = () => {};

    #report;
    #chipsBefore = { cycles: 0, nanos: 0 };
    #stopRequested = false;
    /** The core has stopped for good; only the watchdog can help. */
    #lockup = null;

    /** @param {(text: string) => void} [report] is told of what the image does in vain */
    constructor(report = () => {}) {
        this.#report = report;
    }

    /**
     * Puts an image into memory and switches the power on.
     *
     * @param {{ address: number, bytes: Uint8Array }[]} pieces
     * @param {{ isScript?: boolean }} [desk] who is at the other end of the serial line
     * @returns {boolean} whether the chip has found something to start
     */
    powerOn(pieces, { isScript = false } = {}) {
        const chip = new Chip({ report: this.#report });
        for (const { address, bytes } of pieces) {
            const inFlash = address < RAM.start;
            const memory = inFlash ? chip.mcu.flash : chip.mcu.sram;
            memory.set(bytes, address - (inFlash ? FLASH : RAM).start);
        }
        mailbox.announce(chip.scratch, { isScript });
        return this.#start(chip);
    }

    /**
     * Starts the next chip, with the memories of this one.
     *
     * @param {Reset['cause']} cause
     * @returns {boolean} whether it has found something to start
     */
    reset(cause) {
        this.#chipsBefore = { cycles: this.cycles, nanos: this.nanos };
        mailbox.clear(this.chip.scratch);
        return this.#start(new Chip({ previous: this.chip, cause, report: this.#report }));
    }

    #start(chip) {
        this.chip = chip;
        this.#lockup = null;
        if (this.gaugesStack) {
            chip.gaugeStack();
        }
        if (this.profile) {
            chip.profile(this.profile);
        }
        this.onStart(chip);
        return chip.rom.boot();
    }

    /** Simulated time since power-on. */
    get nanos() {
        return this.#chipsBefore.nanos + this.chip.nanos;
    }

    /** Cycles since power-on in which the core was awake. */
    get cycles() {
        return this.#chipsBefore.cycles + this.chip.cycles;
    }

    /** What the image has said last. */
    get said() {
        return mailbox.read(this.chip.scratch);
    }

    /** Makes `run` return soon. */
    stop() {
        this.#stopRequested = true;
        this.chip.stop();
    }

    /** Lets time pass for a machine that is asleep and has nothing to wake it. */
    sleepUntil(nanos) {
        this.chip.clock.tick(Math.max(0, nanos - this.nanos));
    }

    /**
     * Runs until there is a reason to pause.
     *
     * @param {object} limits
     * @param {number} [limits.until] simulated time since power-on
     * @param {number} [limits.instructions]
     * @returns {{ kind: string, cause?: string, fault?: import('./fault.mjs').Fault }}
     */
    run({ until = Infinity, instructions = Infinity }) {
        const { chip } = this;
        let reached = false;
        const deadline = chip.clock.createAlarm(() => {
            reached = true;
            this.stop();
        });
        if (until !== Infinity) {
            deadline.schedule(Math.max(0, until - this.nanos));
        }
        this.#stopRequested = false;
        try {
            const kind = this.#runUntilPause(chip, deadline, instructions);
            return { kind: reached && kind === Pause.STOPPED ? Pause.REACHED : kind, fault: this.#lockup?.fault };
        } catch (end) {
            if (end instanceof Reset) {
                return { kind: Pause.RESET, cause: end.cause };
            }
            if (end instanceof BootLoader) {
                return { kind: Pause.BOOT_LOADER };
            }
            throw end;
        } finally {
            deadline.cancel();
        }
    }

    #runUntilPause(chip, deadline, instructions) {
        let left = instructions;
        for (;;) {
            if (this.#lockup === null) {
                left = this.#execute(chip, left);
            }
            if (this.#stopRequested) {
                return Pause.STOPPED;
            }
            if (left <= 0) {
                return Pause.SPENT;
            }
            if (this.#lockup !== null && !chip.isWatchdogRunning) {
                return Pause.LOCKUP;
            }
            if (this.#lockup === null) {
                if (mailbox.isFinal(this.said.state)) {
                    this.#sendRest(chip);
                    return Pause.FINISHED;
                }
                if (chip.tryWake()) {
                    continue;
                }
                this.onRest();
                if (this.#stopRequested) {
                    return Pause.STOPPED;
                }
            }
            const alarm = chip.clock.nextAlarm;
            if (alarm === null || (alarm === deadline && alarm.next === null)) {
                return Pause.ASLEEP;
            }
            chip.clock.tick(alarm.nanos - chip.nanos);
        }
    }

    #execute(chip, instructions) {
        try {
            return chip.execute(instructions);
        } catch (lockup) {
            if (!(lockup instanceof Lockup)) {
                throw lockup;
            }
            this.#lockup = lockup;
            return instructions;
        }
    }

    /** What the image has handed to its UARTs leaves the chip, though the core sleeps. */
    #sendRest(chip) {
        while (chip.uarts.some((uart) => !uart.isSilent) && chip.clock.nextAlarm !== null) {
            chip.clock.tick(chip.clock.nextAlarm.nanos - chip.nanos);
        }
    }
}
