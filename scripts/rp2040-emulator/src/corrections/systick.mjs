// SysTick: the core's own timer, counting core cycles down from 24 bits.
//
// In rp2040js it counts one tick too few per round, ticks at once after the count was cleared, and goes on with a reload
// value of zero. (That a tick does not end a WFI there is mended with the sleep.) Here the count is computed when it is
// looked at, and the clock rings when it will reach zero next.
//
// ```text
//  count  0 │ 3 2 1 0 │ 3 2 1 0 │        reload = 3: a round has four ticks
//    cleared┘       └─ 1 to 0: COUNTFLAG, and the exception
// ```

import { replaceRegisters } from '../registers.mjs';

const CSR = 0x010;
const RVR = 0x014;
const CVR = 0x018;

const CSR_ENABLE = 1 << 0;
const CSR_TICKINT = 1 << 1;
const CSR_CLKSOURCE = 1 << 2;
const CSR_COUNTFLAG = 1 << 16;

const COUNT_MAX = 0xff_ffff;
/** With CLKSOURCE clear it counts the watchdog's ticks: microseconds. */
const REFERENCE_HZ = 1_000_000;
/** A clock in fractions of nanoseconds may be this much short of a tick that is complete. */
const TICK_TOLERANCE = 1e-3;

export class SysTick {
    #mcu;
    #control = 0;
    #reload = 0;
    /** The count at some time, from which all later ones follow. */
    #baseCount = 0;
    #baseNanos = 0;
    #reachedZero = false;
    #alarm;

    /** @param {RP2040} mcu */
    constructor(mcu) {
        this.#mcu = mcu;
        this.#alarm = mcu.clock.createAlarm(() => this.#ring());
        // The one of rp2040js would ring on.
        mcu.ppb.systickAlarm.enable = false;
        mcu.addClockListener((newHz, oldHz) => this.#rebase(oldHz));
        replaceRegisters(mcu.ppb, {
            [CSR]: {
                read: () => this.#readControl(),
                write: (value) => {
                    this.#rebase(mcu.clkSys);
                    this.#control = value & (CSR_ENABLE | CSR_TICKINT | CSR_CLKSOURCE);
                    this.#schedule();
                },
            },
            [RVR]: {
                read: () => this.#reload,
                write: (value) => {
                    this.#rebase(mcu.clkSys);
                    this.#reload = value & COUNT_MAX;
                    this.#schedule();
                },
            },
            [CVR]: {
                read: () => this.#look(mcu.clkSys).count,
                write: () => {
                    this.#rebase(mcu.clkSys);
                    this.#baseCount = 0;
                    this.#reachedZero = false;
                    this.#schedule();
                },
            },
        });
    }

    #readControl() {
        this.#rebase(this.#mcu.clkSys);
        const flag = this.#reachedZero ? CSR_COUNTFLAG : 0;
        this.#reachedZero = false;
        return this.#control | flag;
    }

    #hz(coreHz) {
        return this.#control & CSR_CLKSOURCE ? coreHz : REFERENCE_HZ;
    }

    /** The count now, how long it has been that, and whether it has reached zero since the base. */
    #look(coreHz) {
        if (!(this.#control & CSR_ENABLE)) {
            return { count: this.#baseCount, sinceNanos: this.#mcu.clock.nanos, reachedZero: false };
        }
        const tickNanos = 1e9 / this.#hz(coreHz);
        const elapsed = (this.#mcu.clock.nanos - this.#baseNanos) / tickNanos;
        const ticks = Math.floor(elapsed + TICK_TOLERANCE);
        const sinceNanos = this.#baseNanos + ticks * tickNanos;
        const toZero = this.#ticksToZero();
        if (ticks <= this.#baseCount) {
            return { count: this.#baseCount - ticks, sinceNanos, reachedZero: ticks >= toZero };
        }
        if (this.#reload === 0) {
            return { count: 0, sinceNanos, reachedZero: ticks >= toZero };
        }
        const intoRounds = (ticks - this.#baseCount - 1) % (this.#reload + 1);
        return { count: this.#reload - intoRounds, sinceNanos, reachedZero: ticks >= toZero };
    }

    /** Ticks from the base to the first step from one to zero. */
    #ticksToZero() {
        if (this.#baseCount > 0) {
            return this.#baseCount;
        }
        return this.#reload > 0 ? this.#reload + 1 : Infinity;
    }

    /** Makes the time now the base, before something changes. */
    #rebase(coreHz) {
        const { count, sinceNanos, reachedZero } = this.#look(coreHz);
        this.#baseCount = count;
        this.#baseNanos = sinceNanos;
        this.#reachedZero ||= reachedZero;
        this.#schedule();
    }

    #schedule() {
        this.#alarm.cancel();
        const toZero = this.#ticksToZero();
        const ticking = this.#control & CSR_ENABLE && this.#control & CSR_TICKINT;
        if (ticking && toZero !== Infinity) {
            const at = this.#baseNanos + (toZero * 1e9) / this.#hz(this.#mcu.clkSys);
            this.#alarm.schedule(Math.max(0, at - this.#mcu.clock.nanos));
        }
    }

    #ring() {
        const { core } = this.#mcu;
        this.#rebase(this.#mcu.clkSys);
        core.pendingSystick = true;
        core.interruptsUpdated = true;
    }
}
