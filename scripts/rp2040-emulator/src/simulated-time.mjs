// Spans of simulated time, as people write them.

const UNITS = { us: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** Nanoseconds of a text such as `250ms`, `10s` or `1.5m`; nothing when it is no time. */
export function parseTime(text) {
    const [, number, unit] = /^(\d+(?:\.\d+)?)(us|ms|s|m|h)$/.exec(text) ?? [];
    const nanos = Number(number) * UNITS[unit];
    return nanos > 0 && Number.isFinite(nanos) ? nanos : undefined;
}

/** As short as the microsecond allows: `56.892 ms`, `10 s`. */
export function formatTime(nanos) {
    const [unit, size] = Object.entries(UNITS)
        .filter(([unit]) => unit !== 'm' && unit !== 'h')
        .reverse()
        .find(([, size]) => nanos >= size) ?? ['us', UNITS.us];
    return `${Number((nanos / size).toFixed(3))} ${unit}`;
}
