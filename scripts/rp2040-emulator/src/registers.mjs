// Registers of our own in a peripheral of rp2040js.

/**
 * Replaces registers of a peripheral, or adds some that it lacks.
 *
 * @param {object} peripheral
 * @param {Object<number, { read?: () => number, write?: (value: number, written: number) => void }>} registers
 *     by offset. `write` is given the new value, and what the core wrote to set, clear or toggle bits of the old one.
 *     What has no `read` reads as zero; what has no `write` ignores writes.
 */
export function replaceRegisters(peripheral, registers) {
    if (!peripheral.replaced) {
        intercept(peripheral);
    }
    for (const [offset, register] of Object.entries(registers)) {
        peripheral.replaced.set(Number(offset), register);
    }
}

function intercept(peripheral) {
    const replaced = new Map();
    const read = peripheral.readUint32.bind(peripheral);
    const write = peripheral.writeUint32.bind(peripheral);
    peripheral.replaced = replaced;
    peripheral.readUint32 = (offset) => {
        const register = replaced.get(offset);
        return register ? (register.read?.() ?? 0) >>> 0 : read(offset);
    };
    peripheral.writeUint32 = (offset, value) => {
        const register = replaced.get(offset);
        if (register) {
            register.write?.(value >>> 0, peripheral.rawWriteValue >>> 0);
        } else {
            write(offset, value);
        }
    };
}
