// Lines to be typed, one at a time, each when the console waits for it.
//
// Lines come from the command line, from a file, or from a pipe that may be slow: then there is none yet, which is
// not the end.

const LINE_END = 0x0a;

export class Script {
    /** Somebody would type a line, but it has not come yet. */
    isWaitedFor = false;

    #unfinished = [];
    #lines = [];
    #ended = false;

    /** Adds bytes as they come; a line may come in pieces. */
    add(bytes) {
        this.isWaitedFor = false;
        let start = 0;
        for (let end = bytes.indexOf(LINE_END); end >= 0; end = bytes.indexOf(LINE_END, start)) {
            this.#lines.push(Buffer.concat([...this.#unfinished, bytes.subarray(start, end + 1)]));
            this.#unfinished = [];
            start = end + 1;
        }
        if (start < bytes.length) {
            this.#unfinished.push(bytes.subarray(start));
        }
    }

    /** Adds a whole line. */
    addLine(text) {
        this.add(Buffer.from(`${text}\n`));
    }

    /** There will be no more. What was left unfinished is a line too. */
    end() {
        if (this.#unfinished.length > 0) {
            this.add(Buffer.from([LINE_END]));
        }
        this.isWaitedFor = false;
        this.#ended = true;
    }

    /** Takes the next line, if it is there. */
    take() {
        return this.#lines.shift() ?? null;
    }

    /** There is a line to take. */
    get hasLine() {
        return this.#lines.length > 0;
    }

    /** All lines are taken, and there will be no more. */
    get isOver() {
        return this.#ended && this.#lines.length === 0;
    }
}
