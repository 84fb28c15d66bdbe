// Pins as they are after reset, and as their own outputs drive them.
//
// In rp2040js the input of a pin is switched off at first, sees nothing of what the pin itself puts out, and notes an
// edge whenever its level is set or looked at anew. On the chip it is on after reset, sees the level of the pad whether
// the pin's own output or a pull resistor decides it, and notes an edge when that changes.

import { GPIOPinState } from 'rp2040js';

/** Schmitt trigger, pull-down, 4 mA, input enabled. */
const PAD_AFTER_RESET = 0x56;

const LEVEL_LOW = 1 << 0;
const LEVEL_HIGH = 1 << 1;
const EDGE_LOW = 1 << 2;
const EDGE_HIGH = 1 << 3;

/** @param {RP2040} mcu */
export function correctPads(mcu) {
    for (const pin of mcu.gpio) {
        pin.padValue = PAD_AFTER_RESET;
        pin.irqStatus = LEVEL_LOW;
        const setInput = pin.setInputValue.bind(pin);
        pin.setInputValue = (level) => {
            const edges = pin.irqStatus & (EDGE_LOW | EDGE_HIGH);
            const before = pin.irqStatus & LEVEL_HIGH;
            setInput(level);
            const after = pin.irqStatus & LEVEL_HIGH;
            if (before === after) {
                // No change, no edge.
                pin.irqStatus = (pin.irqStatus & ~(EDGE_LOW | EDGE_HIGH)) | edges;
                mcu.updateIOInterrupt();
            }
        };
        pin.addListener((state) => pin.setInputValue(levelOf(state) ?? pin.rawInputValue));
    }
}

/** The level of a pad that nothing outside drives; nothing when it floats. */
function levelOf(state) {
    switch (state) {
        case GPIOPinState.High:
        case GPIOPinState.InputPullUp:
            return true;
        case GPIOPinState.Low:
        case GPIOPinState.InputPullDown:
            return false;
        default:
            return undefined;
    }
}
