// Texts that have to appear in the output, one after the other.

export class Expectations {
    #texts;
    /** Output behind the last text that was seen; only as much of its end as the next text could begin in. */
    #tail = Buffer.alloc(0);

    /** @param {string[]} texts in order; none may overlap the one before */
    constructor(texts) {
        this.#texts = texts.map((text) => Buffer.from(text));
        /** There is something to wait for, or was. */
        this.wereGiven = texts.length > 0;
    }

    /** Looks at more of the output. */
    see(bytes) {
        let rest = Buffer.concat([this.#tail, bytes]);
        while (this.#texts.length > 0) {
            const [text] = this.#texts;
            const at = rest.indexOf(text);
            if (at < 0) {
                const keep = Math.min(rest.length, text.length - 1);
                this.#tail = rest.subarray(rest.length - keep);
                return;
            }
            rest = rest.subarray(at + text.length);
            this.#texts.shift();
        }
    }

    /** All have been seen. */
    get areMet() {
        return this.#texts.length === 0;
    }

    /** The first that has not been seen. */
    get next() {
        return this.#texts[0]?.toString();
    }
}
