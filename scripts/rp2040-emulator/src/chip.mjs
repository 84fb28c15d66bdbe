// An RP2040 from one reset to the next: rp2040js, with what differs from the silicon corrected.
//
// Each correction is a module of `corrections`, which says what is wrong without it. Here they are put together, and
// driven: the loop below is where all the time goes.

import { RP2040 } from 'rp2040js';

import { correctArithmetic } from './corrections/arithmetic.mjs';
import { Exceptions, THREAD } from './corrections/exceptions.mjs';
import { Guard } from './corrections/guard.mjs';
import { Interrupts } from './corrections/interrupts.mjs';
import { correctMemory } from './corrections/memory.mjs';
import { Mpu } from './corrections/mpu.mjs';
import { correctOscillator } from './corrections/oscillator.mjs';
import { correctPads } from './corrections/pads.mjs';
import { Privilege } from './corrections/privilege.mjs';
import { correctResets, isWatchdogRunning, scratch, tellCause } from './corrections/resets.mjs';
import { Rom } from './corrections/rom.mjs';
import { SerialFlash } from './corrections/serial-flash.mjs';
import { Sleep } from './corrections/sleep.mjs';
import { SysTick } from './corrections/systick.mjs';
import { correctTimer } from './corrections/timer.mjs';
import { Uart } from './corrections/uart.mjs';
import { Fault } from './fault.mjs';

const UARTS = [
    { base: 0x40034, interrupt: 20 },
    { base: 0x40038, interrupt: 21 },
];

const FLASH_CONTROLLER = 0x18000;
const FLASH_PINS = 0x40018;

export class Chip {
    #exceptions;
    #guard;
    #privilege;
    #sleep;
    #nanosPerCycle = 0;
    /** The least address that the main stack pointer had. */
    #stackEnd = Infinity;
    #stopRequested = false;

    /**
     * @param {object} [options]
     * @param {Chip} [options.previous] the chip before the reset, whose memories this one keeps
     * @param {'power-on' | import('./fault.mjs').Reset['cause']} [options.cause] why it starts
     * @param {(text: string) => void} [options.report] is told of what the image does in vain
     */
    constructor({ previous, cause = 'power-on', report = () => {} } = {}) {
        const mcu = new RP2040();
        if (previous) {
            keepMemories(mcu, previous.mcu);
        }
        const { core } = mcu;
        this.mcu = mcu;
        this.core = core;
        this.clock = mcu.clock;
        this.report = report;
        /** Asked about a breakpoint that is not the ROM's; `true` if a debugger has taken it. */
        this.onBreakpoint = () => false;

        mcu.logger = this.#logger();
        mcu.onBreak = (number) => this.#break(number);
        const spend = (cycles) => this.#spend(cycles);
        this.#guard = new Guard(core);
        const interrupts = new Interrupts(mcu);
        this.#exceptions = new Exceptions(mcu, interrupts, spend);
        this.#privilege = new Privilege(mcu, this.#guard);
        this.#sleep = new Sleep(mcu, this.#exceptions, report);
        new Mpu(mcu, this.#guard);
        new SysTick(mcu);
        correctArithmetic(mcu);
        correctMemory(mcu, this.#guard);
        correctOscillator(mcu);
        correctTimer(mcu);
        correctPads(mcu);
        correctResets(mcu, report);
        tellCause(mcu, cause);
        const serialFlash = new SerialFlash(mcu.peripherals[FLASH_CONTROLLER], mcu.peripherals[FLASH_PINS]);
        this.rom = new Rom(mcu, this.#guard, serialFlash);
        this.uarts = UARTS.map(({ base, interrupt }, index) => {
            const uart = new Uart(mcu, interrupt);
            mcu.peripherals[base] = uart;
            mcu.uart[index] = uart;
            return uart;
        });
        for (const pio of mcu.pio) {
            // It would be driven by the host's time.
            pio.run = () => report('PIO is not emulated');
        }
        mcu.addClockListener(() => this.#measureCycle());
        this.#measureCycle();
    }

    /** The cycles in which the core was not asleep. */
    get cycles() {
        return this.core.cycles;
    }

    /** Simulated time since the reset. */
    get nanos() {
        return this.clock.nanos;
    }

    get isWatchdogRunning() {
        return isWatchdogRunning(this.mcu);
    }

    get scratch() {
        return scratch(this.mcu);
    }

    /** Watches the main stack pointer from now on. */
    gaugeStack() {
        const { core } = this;
        const execute = core.executeInstruction.bind(core);
        core.executeInstruction = () => {
            const cycles = execute();
            const onProcessStack = core.SPSEL && core.currentMode === THREAD;
            if (!onProcessStack && core.SP < this.#stackEnd) {
                this.#stackEnd = core.SP;
            }
            return cycles;
        };
    }

    /**
     * Has each instruction from now on noted.
     *
     * @param {import('./profile.mjs').Profile} profile
     */
    profile(profile) {
        const { core } = this;
        const execute = core.executeInstruction.bind(core);
        core.executeInstruction = () => {
            const address = core.PC;
            const cycles = execute();
            profile.add(address, cycles);
            return cycles;
        };
    }

    /** How deep the main stack was at most, in bytes, below where the image has it begin. */
    get stackDepth() {
        return Math.max(0, this.mcu.readUint32(this.core.VTOR) - this.#stackEnd);
    }

    /** Ends the core's sleep if something pending ends it; `true` when it is awake. */
    tryWake() {
        return !this.core.waiting || this.#sleep.tryWake();
    }

    /** Makes `execute` return after the instruction that is being executed. */
    stop() {
        this.#stopRequested = true;
        // That makes the loop look up.
        this.core.interruptsUpdated = true;
    }

    /**
     * Executes so many instructions, or fewer if the core goes to sleep or is stopped.
     *
     * @returns {number} how many were left
     * @throws {Reset | Lockup | BootLoader} when the chip does not go on
     */
    execute(instructions) {
        let left = instructions;
        this.#stopRequested = false;
        while (left > 0 && !this.core.waiting && !this.#stopRequested) {
            left = this.#executeUntilFault(left);
        }
        return left;
    }

    /** The loop. A fault leaves it, since an instruction that fails can fail anywhere within the core. */
    #executeUntilFault(instructions) {
        const { core, clock } = this;
        const exceptions = this.#exceptions;
        const guard = this.#guard;
        let left = instructions;
        let pc = core.PC;
        try {
            while (left > 0) {
                if (core.interruptsUpdated) {
                    if (this.#stopRequested) {
                        break;
                    }
                    exceptions.takePending();
                }
                if (core.waiting) {
                    break;
                }
                left--;
                pc = core.PC;
                const cycles = guard.isActive ? this.#executeGuarded(pc) : core.executeInstruction();
                const now = clock.nanosCounter + cycles * this.#nanosPerCycle;
                clock.nanosCounter = now;
                const alarm = clock.nextAlarm;
                if (alarm !== null && alarm.nanos <= now) {
                    clock.tick(0);
                }
            }
        } catch (fault) {
            if (!(fault instanceof Fault)) {
                throw fault;
            }
            exceptions.fault(fault, pc);
        }
        return left;
    }

    /** With the MPU on, or without privilege. */
    #executeGuarded(pc) {
        this.#guard.checkExecute(pc);
        if (this.#privilege.ignores(pc)) {
            this.core.PC += 2;
            this.core.cycles += 1;
            return 1;
        }
        return this.core.executeInstruction();
    }

    #spend(cycles) {
        this.core.cycles += cycles;
        this.clock.nanosCounter += cycles * this.#nanosPerCycle;
    }

    #measureCycle() {
        this.#nanosPerCycle = 1e9 / this.mcu.clkSys;
    }

    #break(number) {
        const pc = this.core.PC - 2;
        if (!this.rom.serve(pc, number) && !this.onBreakpoint()) {
            throw new Fault('breakpoint or undefined instruction', pc);
        }
    }

    /** rp2040js tells some of what happens only to its log. */
    #logger() {
        return {
            debug: () => {},
            info: (_part, text) => {
                if (text === 'SEV') {
                    this.#sleep.sendEvent();
                }
            },
            warn: (part, text) => this.#warned(part, text),
            error: (part, text) => this.#warned(part, text),
        };
    }

    #warned(part, text) {
        if (part === 'CortexM0Core' && text.includes('is not implemented')) {
            throw new Fault('undefined instruction', this.core.PC - 2);
        }
        this.report(`${part}: ${text}`);
    }
}

/** RAM and flash survive a reset, and so do the watchdog's scratch registers. */
function keepMemories(mcu, previous) {
    mcu.flash = previous.flash;
    mcu.flash16 = previous.flash16;
    mcu.flashView = previous.flashView;
    mcu.sram = previous.sram;
    mcu.sramView = previous.sramView;
    scratch(mcu).set(scratch(previous));
}
