// Alarms of the TIMER that ring when the count reaches them.
//
// rp2040js cuts the time to an alarm down to whole microseconds, so that an alarm rings up to one early. On the chip an
// alarm is compared with the lower half of the count whenever that changes, so it is never early; and one that is set to the
// count of that very moment has been missed, and rings when the count comes round again, 71 minutes later.

import { replaceRegisters } from '../registers.mjs';

const TIMER = 0x40054;
const ALARM_0 = 0x10;
const NANOS_PER_TICK = 1000;
const ROUND = 2 ** 32;

/** @param {RP2040} mcu */
export function correctTimer(mcu) {
    const timer = mcu.peripherals[TIMER];
    const registers = {};
    timer.alarms.forEach((alarm, index) => {
        registers[ALARM_0 + 4 * index] = {
            read: () => alarm.targetMicros,
            write: (target) => {
                const now = Math.floor(mcu.clock.nanos / NANOS_PER_TICK);
                const ticks = ((target - now) >>> 0) || ROUND;
                alarm.targetMicros = target;
                alarm.armed = true;
                alarm.clockAlarm.schedule((now + ticks) * NANOS_PER_TICK - mcu.clock.nanos);
            },
        };
    });
    replaceRegisters(timer, registers);
}
