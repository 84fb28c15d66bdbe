// Exceptions: which is taken when, how a handler is entered and left, and what a fault leads to.
//
// rp2040js takes interrupts, but knows no HardFault, charges no time for entries and returns, and leaves an SVC that
// cannot be taken pending for ever. Here is all of it, as the architecture (ARMv6-M) has it:
//
// ```text
//  instruction ──▶ faults ──▶ HardFault handler ──▶ faults again ──▶ lockup
//       │                          ▲
//       ▼                          │ stacking fails on the process stack
//  pending, more urgent than what runs ──▶ stack 8 words ──▶ handler ──▶ return ──▶ unstack
//                                              │ fails on the main stack
//                                              ▼
//                                            lockup
// ```
//
// When the stacking for an exception fails, HardFault is entered in its place, and the exception stays pending.

import { Fault, Lockup } from '../fault.mjs';

export const THREAD = 0;
export const HANDLER = 1;

const MAIN = 0;
const PROCESS = 1;

/** As MRS and MSR number them. */
export const SpecialRegister = { XPSR: 3, MSP: 8, CONTROL: 20 };

const Exception = { NMI: 2, HARD_FAULT: 3, SVCALL: 11, PENDSV: 14, SYSTICK: 15, INTERRUPT_0: 16 };
/** The priority of a thread: any exception is more urgent. */
const PRIORITY_THREAD = 4;
const PRIORITY_NMI = -2;
const PRIORITY_HARD_FAULT = -1;

/** EXC_RETURN: what a handler finds in LR, and jumps to in order to return. */
const RETURN_TO_HANDLER = 0xfffffff1;
const RETURN_TO_MAIN = 0xfffffff9;
const RETURN_TO_PROCESS = 0xfffffffd;

const FRAME_BYTES = 32;
/** In the stacked xPSR: a word was left out to align the frame. */
const PSR_PADDED = 1 << 9;

/** From the core taking an exception to its handler's first instruction, with memories that never wait. */
const ENTRY_CYCLES = 15;
/** As a POP of as many words that ends in a jump. The documents do not give this one. */
const RETURN_CYCLES = 11;

export class Exceptions {
    #mcu;
    #core;
    #interrupts;
    #spend;
    /** The SVC that is pending could be taken when it was executed. */
    #svcallAccepted = false;

    /**
     * @param {RP2040} mcu
     * @param {Interrupts} interrupts
     * @param {(cycles: number) => void} spend lets time pass
     */
    constructor(mcu, interrupts, spend) {
        this.#mcu = mcu;
        this.#core = mcu.core;
        this.#interrupts = interrupts;
        this.#spend = spend;
        mcu.core.BXWritePC = (target) => this.#jump(target);
    }

    /** Takes the most urgent pending exception, if it is more urgent than what runs. */
    takePending() {
        const core = this.#core;
        core.interruptsUpdated = false;
        if (core.pendingSVCall && !this.#svcallAccepted) {
            if (core.svCallPriority >= this.#runningPriority()) {
                core.pendingSVCall = false;
                this.fault(new Fault('SVC where it cannot be taken', core.PC), core.PC);
                return;
            }
            this.#svcallAccepted = true;
        }
        const number = this.#mostUrgent(this.#runningPriority());
        if (number !== 0) {
            this.#enter(number);
        }
    }

    /** Whether an exception is pending that could be taken now, or could be but for PRIMASK. */
    isPending({ maskCounts }) {
        return this.#mostUrgent(maskCounts ? this.#runningPriority() : this.#activePriority()) !== 0;
    }

    /**
     * The instruction at `pc` has failed.
     *
     * @throws {Lockup} when that cannot be handled
     */
    fault(fault, pc) {
        const core = this.#core;
        if (this.#activePriority() < 0) {
            throw new Lockup(fault);
        }
        core.PC = fault.pc ?? pc;
        this.#enter(Exception.HARD_FAULT);
    }

    /** The priority of the handler that runs; lower is more urgent. */
    #activePriority() {
        switch (this.#core.IPSR) {
            case 0:
                return PRIORITY_THREAD;
            case Exception.NMI:
                return PRIORITY_NMI;
            case Exception.HARD_FAULT:
                return PRIORITY_HARD_FAULT;
            default:
                return this.#core.exceptionPriority(this.#core.IPSR);
        }
    }

    /** The same, with what PRIMASK makes of it. */
    #runningPriority() {
        return this.#core.PM ? Math.min(0, this.#activePriority()) : this.#activePriority();
    }

    /** The most urgent pending exception of those more urgent than a priority; 0 if there is none. */
    #mostUrgent(priority) {
        const core = this.#core;
        if (core.pendingNMI && priority > PRIORITY_NMI) {
            return Exception.NMI;
        }
        const interrupts = core.pendingInterrupts & core.enabledInterrupts;
        for (let level = 0; level < priority; level++) {
            if (core.pendingSVCall && core.svCallPriority === level) {
                return Exception.SVCALL;
            }
            if (core.pendingPendSV && core.pendSVPriority === level) {
                return Exception.PENDSV;
            }
            if (core.pendingSystick && core.systickPriority === level) {
                return Exception.SYSTICK;
            }
            const here = interrupts & core.interruptPriorities[level];
            if (here !== 0) {
                return Exception.INTERRUPT_0 + lowestBit(here);
            }
        }
        return 0;
    }

    #enter(number) {
        const core = this.#core;
        const fromHandler = core.currentMode === HANDLER;
        const onProcessStack = !fromHandler && core.SPSEL === PROCESS;
        try {
            this.#stack();
            this.#acknowledge(number);
        } catch (fault) {
            if (!(fault instanceof Fault)) {
                throw fault;
            }
            if (!onProcessStack) {
                throw new Lockup(fault);
            }
            number = Exception.HARD_FAULT;
        }
        const from = onProcessStack ? RETURN_TO_PROCESS : RETURN_TO_MAIN;
        this.#startHandler(number, fromHandler ? RETURN_TO_HANDLER : from);
    }

    /** Puts what a handler may overwrite on the stack of what runs. */
    #stack() {
        const core = this.#core;
        const padded = (core.SP & 4) !== 0;
        core.SP = (core.SP - FRAME_BYTES) & ~4;
        const psr = core.xPSR & ~PSR_PADDED;
        const frame = [
            core.registers[0],
            core.registers[1],
            core.registers[2],
            core.registers[3],
            core.registers[12],
            core.LR,
            core.PC,
            padded ? psr | PSR_PADDED : psr,
        ];
        frame.forEach((word, index) => core.writeUint32(core.SP + 4 * index, word));
    }

    /** It is pending no more. */
    #acknowledge(number) {
        const core = this.#core;
        switch (number) {
            case Exception.NMI:
                core.pendingNMI = false;
                break;
            case Exception.HARD_FAULT:
                break;
            case Exception.SVCALL:
                core.pendingSVCall = false;
                this.#svcallAccepted = false;
                break;
            case Exception.PENDSV:
                core.pendingPendSV = false;
                break;
            case Exception.SYSTICK:
                core.pendingSystick = false;
                break;
            default:
                this.#interrupts.enter(number - Exception.INTERRUPT_0);
        }
    }

    #startHandler(number, returnAddress) {
        const core = this.#core;
        core.LR = returnAddress;
        core.currentMode = HANDLER;
        core.IPSR = number;
        core.switchStack(MAIN);
        core.eventRegistered = true;
        core.waiting = false;
        this.#spend(ENTRY_CYCLES);
        // The MPU has no say in this read.
        const vector = this.#mcu.readUint32(core.VTOR + 4 * number);
        core.PC = (vector & ~1) >>> 0;
        if ((vector & 1) === 0) {
            this.fault(new Fault('handler without the Thumb bit', vector), core.PC);
        }
    }

    #return(excReturn) {
        const core = this.#core;
        const ended = core.IPSR;
        const onProcessStack = excReturn === RETURN_TO_PROCESS;
        if (!onProcessStack && excReturn !== RETURN_TO_MAIN && excReturn !== RETURN_TO_HANDLER) {
            throw new Fault('return from an exception to nowhere', excReturn);
        }
        core.currentMode = excReturn === RETURN_TO_HANDLER ? HANDLER : THREAD;
        core.switchStack(onProcessStack ? PROCESS : MAIN);
        if (ended >= Exception.INTERRUPT_0) {
            this.#interrupts.leave(ended - Exception.INTERRUPT_0);
        }
        core.interruptsUpdated = true;
        try {
            this.#unstack();
        } catch (fault) {
            if (!(fault instanceof Fault)) {
                throw fault;
            }
            // HardFault follows without anything being stacked: the frame is still there.
            this.#startHandler(Exception.HARD_FAULT, excReturn);
            return;
        }
        core.eventRegistered = true;
        this.#spend(RETURN_CYCLES);
    }

    #unstack() {
        const core = this.#core;
        const frame = [];
        for (let index = 0; index < FRAME_BYTES / 4; index++) {
            frame.push(core.readUint32(core.SP + 4 * index));
        }
        const [r0, r1, r2, r3, r12, lr, pc, psr] = frame;
        core.registers.set([r0, r1, r2, r3]);
        core.registers[12] = r12;
        core.LR = lr;
        core.PC = (pc & ~1) >>> 0;
        core.SP = (core.SP + FRAME_BYTES) | (psr & PSR_PADDED ? 4 : 0);
        core.APSR = psr & 0xf000_0000;
        core.IPSR = core.currentMode === THREAD ? 0 : psr & 0x3f;
    }

    /** BX, and POP into PC. */
    #jump(target) {
        const core = this.#core;
        if (core.currentMode === HANDLER && target >>> 28 === 0xf) {
            this.#return(target);
            return;
        }
        core.PC = (target & ~1) >>> 0;
        if ((target & 1) === 0) {
            throw new Fault('jump to an address without the Thumb bit', target, core.PC);
        }
    }
}

function lowestBit(bits) {
    return 31 - Math.clz32(bits & -bits);
}
