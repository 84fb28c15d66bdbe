// The program that types at an image without mercy: options in, an exit code out.

import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';

import { Trial, TrialError } from './fuzz/trial.mjs';
import { readImage } from './image.mjs';
import { formatTime, parseTime } from './simulated-time.mjs';

const DEFAULT_TIME = '10m';
const SEEDS = 2 ** 32;

const USAGE = `Usage: scripts/fuzz-console [--seed N] [--time TIME]

Builds the image for the RP2040, runs it in the emulator, and types at its console for so long of the machine's time, as
fast as the serial line carries it: commands, commands with mistakes, editing keys, and noise. Words that would end the
machine are spoilt. Every minute, and at the end, it types Ctrl-C until the prompt is back, and the console has to answer
\`echo still here\`. The same seed types the same.

  --seed N     a number below ${SEEDS}; without it, one that is chosen by the clock
  --time TIME  of the machine: 30s, 5m, 1h (${DEFAULT_TIME})

Exit codes: 0 the console has always answered; 1 it has not, or the machine panicked, hung or reset by itself; 2 usage.
`;

class UsageError extends Error {}

try {
    process.exitCode = await main(process.argv.slice(2));
} catch (error) {
    process.stderr.write(`fuzz-console: ${error.message}\n`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
}

async function main(args) {
    const { help, image, seed, time, nanos } = parseOptions(args);
    if (help) {
        process.stdout.write(USAGE);
        return 0;
    }
    console.log(`seed ${seed}, ${time} of the machine's time`);
    const { pieces } = readImage(await readFile(image));
    const trial = new Trial({ pieces, seed });
    const start = performance.now();
    const tell = () => {
        const seconds = Math.round((performance.now() - start) / 1000);
        console.log(
            `${formatTime(trial.nanos)}: ${trial.bytes} bytes and ${trial.commands} commands typed, ${trial.heard} bytes ` +
                `said, ${trial.restarts} restarts, ${trial.answers} answers, in ${seconds} s`,
        );
    };
    try {
        trial.run(nanos, tell);
        console.log(trial.query('call serial Stats'));
        return 0;
    } catch (error) {
        if (!(error instanceof TrialError)) {
            throw error;
        }
        tell();
        console.error(error.message);
        console.error(`The same again: scripts/fuzz-console --seed ${seed} --time ${time}`);
        return 1;
    }
}

function parseOptions(args) {
    let parsed;
    try {
        parsed = parseArgs({
            args,
            allowPositionals: true,
            options: {
                seed: { type: 'string' },
                time: { type: 'string', default: DEFAULT_TIME },
                help: { type: 'boolean', short: 'h', default: false },
            },
        });
    } catch (error) {
        throw new UsageError(error.message);
    }
    const { values, positionals } = parsed;
    if (values.help) {
        return { help: true };
    }
    if (positionals.length !== 1) {
        throw new UsageError(`one image is typed at, and ${positionals.length} are named; see --help.`);
    }
    const seed = values.seed === undefined ? Date.now() % SEEDS : Number(/^\d+$/.exec(values.seed)?.[0]);
    if (!(seed < SEEDS)) {
        throw new UsageError(`--seed needs a number below ${SEEDS}, not \`${values.seed}\`.`);
    }
    const nanos = parseTime(values.time);
    if (nanos === undefined) {
        throw new UsageError(`--time needs a time such as 30s or 10m, not \`${values.time}\`.`);
    }
    return { image: positionals[0], seed, time: values.time, nanos };
}
