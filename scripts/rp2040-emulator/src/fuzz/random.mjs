// Numbers that look random, and are the same for the same seed on every machine: xorshift32 by Marsaglia.

/** An odd constant that spreads small seeds over all bits. */
const SPREAD = 0x9e3779b1;

export class Random {
    #state;

    /** @param {number} seed a whole number */
    constructor(seed) {
        // The one state that the generator never leaves is zero.
        this.#state = Math.imul((seed >>> 0) + 1, SPREAD) >>> 0 || SPREAD;
    }

    /** A whole number from 0 up to, but not including, a limit of at most 2^32. */
    below(limit) {
        let state = this.#state;
        state ^= state << 13;
        state ^= state >>> 17;
        state ^= state << 5;
        this.#state = state >>> 0;
        return Math.floor((this.#state / 2 ** 32) * limit);
    }

    /** One of so many, equally likely. */
    oneOf(items) {
        return items[this.below(items.length)];
    }

    /** True once in so many times. */
    once(inTimes) {
        return this.below(inTimes) === 0;
    }
}
