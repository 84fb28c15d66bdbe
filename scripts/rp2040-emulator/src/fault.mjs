// What can stop an instruction half-way. All three are thrown from within the core and caught by the machine's loop.

/** The core cannot do what the instruction says: a HardFault, on this core. */
export class Fault {
    /**
     * @param {string} reason what is wrong, for people
     * @param {number} address what was accessed or jumped to
     * @param {number} [pc] where the handler is told that it happened; without, at the instruction itself
     */
    constructor(reason, address, pc) {
        this.reason = reason;
        this.address = address >>> 0;
        this.pc = pc;
    }

    toString() {
        return `${this.reason} at 0x${this.address.toString(16).padStart(8, '0')}`;
    }
}

/** A fault in the handler of faults, or without a stack to enter it: the core stops until it is reset. */
export class Lockup {
    /** @param {Fault} fault */
    constructor(fault) {
        this.fault = fault;
    }
}

/** The chip starts anew. */
export class Reset {
    /** @param {'watchdog timer' | 'watchdog trigger' | 'core'} cause who asked for it */
    constructor(cause) {
        this.cause = cause;
    }
}
