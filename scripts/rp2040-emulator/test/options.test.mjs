import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import { EXIT_CODES, Ending } from '../src/ending.mjs';
import { parseOptions, USAGE, UsageError } from '../src/options.mjs';
import { formatTime, parseTime } from '../src/simulated-time.mjs';

const parse = (line) => parseOptions(line.split(' ').filter((word) => word !== ''));
const refused = (line, message) => {
    assert.throws(() => parse(line), UsageError);
    assert.throws(() => parse(line), { message });
};

test('an image alone runs at this terminal', () => {
    assert.deepEqual(parse('a.elf'), {
        help: false,
        image: 'a.elf',
        uart: { kind: 'stdio' },
        commands: [],
        script: undefined,
        expect: [],
        timeoutNanos: undefined,
        cycles: false,
        stack: false,
        profile: false,
        gdbPort: undefined,
    });
});

test('options come before and after the image, and some come several times', () => {
    const options = parse('--command one a.elf --command two --expect x --expect=y --timeout 1.5s --cycles --stack --profile');
    assert.equal(options.image, 'a.elf');
    assert.deepEqual(options.commands, ['one', 'two']);
    assert.deepEqual(options.expect, ['x', 'y']);
    assert.equal(options.timeoutNanos, 1.5e9);
    assert.ok(options.cycles && options.stack && options.profile);
    assert.equal(parse('a.elf --script -').script, '-');
});

test('exactly one image is named, unless help is wanted', () => {
    refused('', /no image/);
    refused('a.elf b.elf', /a.elf, b.elf/);
    assert.ok(parse('--help').help);
    assert.ok(parse('-h').help);
});

test('a socket needs a port, and may have a host', () => {
    const uart = (text) => parse(`a.elf --uart ${text}`).uart;
    assert.deepEqual(uart('tcp:4000'), { kind: 'tcp', host: '127.0.0.1', port: 4000 });
    assert.deepEqual(uart('tcp:example.org:4000'), { kind: 'tcp', host: 'example.org', port: 4000 });
    assert.deepEqual(uart('tcp:[::1]:0'), { kind: 'tcp', host: '::1', port: 0 });
    assert.deepEqual(uart('pty'), { kind: 'pty' });
    for (const wrong of ['tcp', 'tcp:', 'tcp:host', 'tcp::1:80', 'serial']) {
        refused(`a.elf --uart ${wrong}`, /does not know/);
    }
    refused('a.elf --uart tcp:70000', /0 to 65535/);
});

test('lines are typed at this terminal only', () => {
    refused('a.elf --uart pty --command ps', /need --uart stdio/);
    refused('a.elf --uart tcp:1 --script x', /need --uart stdio/);
    assert.deepEqual(parse('a.elf --uart pty --expect x').expect, ['x']);
});

test('the port of a debugger may be left out', () => {
    assert.equal(parse('--gdb a.elf').gdbPort, 3333);
    assert.equal(parse('a.elf --gdb').gdbPort, 3333);
    assert.equal(parse('--gdb 4444 a.elf').gdbPort, 4444);
    assert.equal(parse('--gdb=4444 a.elf').gdbPort, 4444);
    refused('a.elf --gdb=x', /--gdb/);
});

test('what is wrong is said with what to write instead', () => {
    refused('a.elf --timeout 10', /10s/);
    refused('a.elf --expect=', /empty/);
    refused('a.elf --frobnicate', /frobnicate/);
    refused('a.elf --cycles=3', /cycles/);
});

test('times have units', () => {
    assert.equal(parseTime('250ms'), 250e6);
    assert.equal(parseTime('3us'), 3000);
    assert.equal(parseTime('5m'), 300e9);
    assert.equal(parseTime('1h'), 3600e9);
    for (const wrong of ['', '1', 's', '-1s', '1 s', '0s', '1e3s', `${'9'.repeat(400)}s`]) {
        assert.equal(parseTime(wrong), undefined, wrong);
    }
    assert.deepEqual([56_892_123, 10e9, 1500, 0, 90e9].map(formatTime), ['56.892 ms', '10 s', '1.5 us', '0 us', '90 s']);
});

test('help names every option and every exit code', () => {
    for (const option of ['--uart', '--script', '--command', '--expect', '--timeout', '--cycles', '--gdb', '--help']) {
        assert.ok(USAGE.includes(option), option);
    }
    const endings = [
        Ending.powerOff(),
        Ending.hostError(''),
        Ending.usage(''),
        Ending.panic(),
        Ending.hang(''),
        Ending.commandsFailed(2),
        Ending.missing(''),
    ];
    endings.forEach(({ code }, index) => {
        assert.equal(code, index);
        assert.match(EXIT_CODES, new RegExp(`^  ${code}  `, 'm'));
    });
    assert.equal(Ending.signal('SIGTERM').code, 143);
    assert.ok(USAGE.split('\n').every((line) => line.length <= 120));
});

test('codes that mean the same are the same as the simulator has, which has more behind them', () => {
    const path = new URL('../../../sim-host/src/program/options/exit_codes.txt', import.meta.url);
    const codes = readFileSync(path, 'utf8').match(/^ +\d(?= )/gm).map(Number);
    // 6 is that something which was expected has not come, here and there.
    assert.deepEqual(codes.slice(0, 7), [0, 1, 2, 3, 4, 5, 6]);
});
