// Where the cycles of a run go: how many the core spends in each function of the image.
//
// Cycles are kept by the address of the instruction that took them, and given to functions when the table is made. What
// the core does between two instructions, to enter an exception or to return from one, belongs to no function.

import { ROM } from './memory-map.mjs';

/** Functions below this share of all cycles are left out of the table. */
const LEAST_SHARE = 0.001;

export class Profile {
    /** By the address of an instruction: the cycles it took, and how often it was executed. */
    #counts = new Map();

    /** Notes an instruction that has been executed. */
    add(address, cycles) {
        const counts = this.#counts.get(address);
        if (counts === undefined) {
            this.#counts.set(address, { cycles, times: 1 });
        } else {
            counts.cycles += cycles;
            counts.times++;
        }
    }

    /**
     * The functions that took cycles, those that took most first.
     *
     * @param {import('./image.mjs').Image['functions']} functions of the image
     * @returns {{ name: string, cycles: number, calls: number }[]} `calls` is how often the first instruction was executed
     */
    byFunction(functions) {
        const rows = new Map();
        for (const [address, { cycles, times }] of this.#counts) {
            const place = functionAt(functions, address);
            const name = place?.name ?? (address < ROM.start + ROM.size ? '(the ROM)' : '(without a name)');
            const row = rows.get(name) ?? { name, cycles: 0, calls: 0 };
            row.cycles += cycles;
            row.calls += address === place?.start ? times : 0;
            rows.set(name, row);
        }
        return [...rows.values()].sort((one, other) => other.cycles - one.cycles);
    }

    /** The table, as lines of text. */
    lines(functions) {
        const rows = this.byFunction(functions);
        const all = rows.reduce((sum, { cycles }) => sum + cycles, 0);
        const line = (...cells) => `${cells.slice(0, 3).map((cell) => String(cell).padStart(12)).join('')}  ${cells[3]}`;
        const shown = rows.filter(({ cycles }) => cycles >= all * LEAST_SHARE);
        return [
            line('cycles', '%', 'calls', 'function'),
            ...shown.map(({ name, cycles, calls }) => line(cycles, ((cycles / all) * 100).toFixed(1), calls, name)),
        ];
    }
}

/** The function that an address lies in. Of several at one address, which the linker has made one, it is the last. */
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
