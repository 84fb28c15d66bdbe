// The random bit of the ring oscillator.
//
// rp2040js has no oscillator, and answers all ones. Here the bit looks random, and is the same in every run: noise that
// is known beforehand is what an emulator should have.

import { replaceRegisters } from '../registers.mjs';

const ROSC = 0x40060;
const RANDOMBIT = 0x1c;

/** @param {RP2040} mcu */
export function correctOscillator(mcu) {
    // Xorshift of 32 bits: small, and far from repeating.
    let state = 0x2545_f491;
    replaceRegisters(mcu.peripherals[ROSC], {
        [RANDOMBIT]: {
            read: () => {
                state ^= state << 13;
                state ^= state >>> 17;
                state ^= state << 5;
                return (state >>> 0) & 1;
            },
        },
    });
}
