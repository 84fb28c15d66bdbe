// Simulated time in step with the clock on the wall, for a person at the other end.
//
// A machine that is ahead waits. One that was behind, because it had more to do than the host can do in time, does not
// hurry through what comes next: it goes on from where it is.

/** Shorter waits are not worth the host's timer. */
const AHEAD_NANOS = 2e6;
const BEHIND_NANOS = 100e6;

export class Pace {
    #now;
    #wallStart;
    #simulatedStart = 0;

    /** @param {() => number} [now] the wall's time in nanoseconds */
    constructor(now = () => performance.now() * 1e6) {
        this.#now = now;
        this.#wallStart = now();
    }

    /** How far a machine that has come to some simulated time may go. */
    until(simulated) {
        const due = this.#due();
        if (due - simulated > BEHIND_NANOS) {
            this.#wallStart = this.#now();
            this.#simulatedStart = simulated;
            return simulated + AHEAD_NANOS;
        }
        return due + AHEAD_NANOS;
    }

    /** The simulated time that it is on the wall. A machine that was asleep with nothing to wake it wakes up then. */
    catchUp() {
        return this.#due();
    }

    /** How many milliseconds a machine that has come to some simulated time is ahead. */
    aheadMilliseconds(simulated) {
        return Math.max(0, (simulated - this.#due()) / 1e6);
    }

    #due() {
        return this.#simulatedStart + (this.#now() - this.#wallStart);
    }
}
