// What starts the chip anew: the watchdog, by its timer or at once, and the core's own reset request.
//
// rp2040js tells a callback that the watchdog has fired, again and again, and ignores the request of the core. Here
// both end the run of this chip with a `Reset`; whoever runs it makes the next one, with what survives: flash, RAM, and the
// watchdog's scratch registers and reason.

import { Reset } from '../fault.mjs';
import { replaceRegisters } from '../registers.mjs';

const PSM = 0x40010;
const WATCHDOG = 0x40058;
const CHIP_LEVEL_RESET = 0x40064;

const AIRCR = 0xd0c;
const AIRCR_KEY = 0x05fa;
const AIRCR_KEY_READ = 0xfa05_0000;
const AIRCR_SYSRESETREQ = 1 << 2;

/** In the power-on state machine's WDSEL: the watchdog resets core 0. */
const PSM_CORE_0 = 1 << 15;

const REASON_TIMER = 1;
const REASON_TRIGGER = 2;

const CHIP_RESET = 0x08;
const HAD_POWER_ON = 1 << 8;

/**
 * @param {RP2040} mcu
 * @param {(text: string) => void} report is told of a watchdog that bites nobody
 */
export function correctResets(mcu, report) {
    replaceRegisters(mcu.ppb, {
        [AIRCR]: {
            read: () => AIRCR_KEY_READ,
            write: (value) => {
                if (value >>> 16 === AIRCR_KEY && value & AIRCR_SYSRESETREQ) {
                    throw new Reset('core');
                }
            },
        },
    });
    const watchdog = mcu.peripherals[WATCHDOG];
    watchdog.onWatchdogTrigger = () => {
        // Otherwise it fires on, at the same moment.
        watchdog.timer.enable = false;
        watchdog.alarm.enable = false;
        if (!(mcu.peripherals[PSM].wdsel & PSM_CORE_0)) {
            report('the watchdog has fired, but resets nothing: PSM WDSEL does not name core 0');
            return;
        }
        throw new Reset(watchdog.reason === REASON_TIMER ? 'watchdog timer' : 'watchdog trigger');
    };
}

/** Whether the watchdog will reset the chip unless something is done about it. */
export function isWatchdogRunning(mcu) {
    return mcu.peripherals[WATCHDOG].alarm.enable && (mcu.peripherals[PSM].wdsel & PSM_CORE_0) !== 0;
}

/** The watchdog's scratch registers, eight words that survive a reset. */
export function scratch(mcu) {
    return mcu.peripherals[WATCHDOG].scratchData;
}

/**
 * Lets a new chip know why it starts.
 *
 * @param {RP2040} mcu
 * @param {'power-on' | Reset['cause']} cause
 */
export function tellCause(mcu, cause) {
    const reasons = { 'watchdog timer': REASON_TIMER, 'watchdog trigger': REASON_TRIGGER };
    mcu.peripherals[WATCHDOG].reason = reasons[cause] ?? 0;
    replaceRegisters(mcu.peripherals[CHIP_LEVEL_RESET], {
        [CHIP_RESET]: { read: () => (cause === 'power-on' ? HAD_POWER_ON : 0) },
    });
}
