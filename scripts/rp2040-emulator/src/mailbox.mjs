// What an image and the emulator tell each other beside the serial line: two of the watchdog's scratch registers.
//
// The chip has no way to say "I am switched off" or "the console waits for a line". These registers do nothing on
// silicon but keep a word across resets, so an image that uses them runs there unchanged.
//
// SCRATCH0 (0x4005800c), from the desk to the image. Read at boot; kept across resets.
//
// | value      | at the other end of the line is |
// |------------|---------------------------------|
// | 0          | a terminal, as far as anybody knows: what the chip has after power-on |
// | 0x6d6e706c | a script ("mnpl"): the console takes plain lines, without echo and prompt, and powers off at the end of input |
//
// SCRATCH1 (0x40058010), from the image to the desk: 0x6d6e in the upper half ("mn"), a letter, and a count.
//
// | letter     | the image says                                             | count |
// |------------|------------------------------------------------------------|-------|
// | 'w' (0x77) | before a sleep: the console is busy, do not type           | 0 |
// | 'r' (0x72) | before a sleep: the console has read all, and waits for a line | 0 |
// | 'o' (0x6f) | before the last sleep: switched off                        | console commands that failed since reset, 255 at most |
// | 'n' (0x6e) | before a reset that was asked for: starting anew           | the same |
// | 'p' (0x70) | before the last sleep, or a reset: panicked                | 0 |
//
// With a script at the other end the image writes 'w' or 'r' before every sleep. Otherwise it need not. After 'o' or 'p' the
// first WFI or WFE is the end, even if it would not sleep.
//
// An image that never writes SCRATCH1 is typed the next line whenever it sleeps with both FIFOs of its UART empty.

const FROM_DESK = 0;
const FROM_IMAGE = 1;

const SCRIPT = 0x6d6e_706c;
const TAG = 0x6d6e;

export const State = {
    SILENT: 'has not said anything',
    WORKING: 'w',
    READING: 'r',
    OFF: 'o',
    ANEW: 'n',
    PANICKED: 'p',
};

const LETTERS = [State.WORKING, State.READING, State.OFF, State.ANEW, State.PANICKED];

/** Tells the image who is at the other end. */
export function announce(scratch, { isScript }) {
    scratch[FROM_DESK] = isScript ? SCRIPT : 0;
}

/**
 * What the image has said last.
 *
 * @returns {{ state: string, count: number }}
 */
export function read(scratch) {
    const word = scratch[FROM_IMAGE];
    const letter = String.fromCharCode((word >>> 8) & 0xff);
    if (word >>> 16 !== TAG || !LETTERS.includes(letter)) {
        return { state: State.SILENT, count: 0 };
    }
    return { state: letter, count: word & 0xff };
}

/** Forgets what the image has said. */
export function clear(scratch) {
    scratch[FROM_IMAGE] = 0;
}

/** Whether the image is not going to do anything any more. */
export function isFinal(state) {
    return state === State.OFF || state === State.PANICKED;
}
