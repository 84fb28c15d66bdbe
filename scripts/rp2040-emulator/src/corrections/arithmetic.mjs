// The overflow flag of additions and subtractions with carry.
//
// rp2040js adds the carry to the second operand first, and then looks at that operand's sign. With the greatest number
// there is, 0x7fffffff, the carry makes it seem negative, so that overflow is seen where there is none and the other
// way round: 64-bit integers with a sign compare wrongly, or overflow unnoticed.

const ADCS = 0x4140;
const SBCS = 0x4180;
/** What these instructions have in common, whatever their registers. */
const INSTRUCTION = 0xffc0;

const GREATEST_AND_CARRY = 0x8000_0000;

/** @param {RP2040} mcu */
export function correctArithmetic(mcu) {
    const { core } = mcu;
    const add = core.addUpdateFlags.bind(core);
    const subtract = core.substractUpdateFlags.bind(core);
    const executes = (instruction) => (mcu.readUint16(core.PC - 2) & INSTRUCTION) === instruction;

    core.addUpdateFlags = (first, second) => {
        const isCarried = second === GREATEST_AND_CARRY && core.C && executes(ADCS);
        const sum = add(first, second);
        if (isCarried) {
            // Only what is negative has room for so much.
            core.V = (first | 0) >= 0;
        }
        return sum;
    };

    core.substractUpdateFlags = (first, second) => {
        const isBorrowed = second === GREATEST_AND_CARRY && !core.C && executes(SBCS);
        const difference = subtract(first, second);
        if (isBorrowed) {
            core.V = (first | 0) < 0;
        }
        return difference;
    };
}
