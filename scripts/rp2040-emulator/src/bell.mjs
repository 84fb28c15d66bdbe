// Lets a loop wait for whatever comes first: something from outside, or a moment.

export class Bell {
    #rung = false;
    #answer = null;

    /** Ends the wait, or the next one. */
    ring() {
        this.#rung = true;
        this.#answer?.();
    }

    /** Waits for the bell, or for so many milliseconds. */
    async wait(milliseconds = Infinity) {
        if (!this.#rung) {
            let timer;
            await new Promise((resolve) => {
                this.#answer = resolve;
                if (milliseconds !== Infinity) {
                    timer = setTimeout(resolve, milliseconds);
                }
            });
            clearTimeout(timer);
            this.#answer = null;
        }
        this.#rung = false;
    }
}
