// Where the cycles of a run go: how many the core spends in each function of the image.
//
// Cycles are kept by the address of the instruction that took them, and given to functions only when the table is made.
// What the core does between two instructions, to enter an exception or to return from one, belongs to no function.

/** What is not in a function of the image's symbol table. */
const ROM = '(the ROM)';
const UNKNOWN = '(without a symbol)';

const ROM_END = 0x4000;

export class Profile {
    /** By the address of an instruction. */
    #cycles = new Map();
    #times = new Map();

    /** Notes an instruction that has been executed. */
    add(address, cycles) {
        this.#cycles.set(address, (this.#cycles.get(address) ?? 0) + cycles);
        this.#times.set(address, (this.#times.get(address) ?? 0) + 1);
    }

    /** By address, for those who want to look closer. */
    get cycles() {
        return this.#cycles;
    }

    get times() {
        return this.#times;
    }

    /**
     * The functions that took cycles, those that took most first.
     *
     * @param {{ name: string, start: number, size: number }[]} functions of the image, by rising address
     * @returns {{ name: string, cycles: number, entries: number }[]} `entries` is how often its first instruction ran
     */
    byFunction(functions) {
        const rows = new Map();
        for (const [address, cycles] of this.#cycles) {
            const place = functionAt(functions, address);
            const name = place?.name ?? (address < ROM_END ? ROM : UNKNOWN);
            const row = rows.get(name) ?? { name, cycles: 0, entries: 0 };
            row.cycles += cycles;
            row.entries += address === place?.start ? this.#times.get(address) : 0;
            rows.set(name, row);
        }
        return [...rows.values()].sort((one, other) => other.cycles - one.cycles);
    }
}

/** The function that an address lies in; the last that begins before it, since those with one address are one. */
function functionAt(functions, address) {
    let [low, high] = [0, functions.length];
    while (low < high) {
        const middle = (low + high) >> 1;
        if (functions[middle].start <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    const found = functions[low - 1];
    return found && address < found.start + found.size ? found : undefined;
}
