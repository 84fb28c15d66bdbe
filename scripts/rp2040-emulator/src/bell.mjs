// Lets a loop wait for whatever comes first: something from outside, or a moment.

/** What the host's timers can count to; who waits for longer looks again then. */
const LONGEST_MILLISECONDS = 2 ** 31 - 1;

export class Bell {
    #rung = false;
    #answer = null;

    /** Ends the wait, or the next one. */
    ring() {
        this.#rung = true;
        this.#answer?.();
    }

    /** Waits for the bell, or for about so many milliseconds; perhaps less, so whoever waits looks again. */
    async wait(milliseconds = Infinity) {
        if (!this.#rung) {
            let timer;
            await new Promise((resolve) => {
                this.#answer = resolve;
                if (milliseconds !== Infinity) {
                    timer = setTimeout(resolve, Math.min(milliseconds, LONGEST_MILLISECONDS));
                }
            });
            clearTimeout(timer);
            this.#answer = null;
        }
        this.#rung = false;
    }
}
