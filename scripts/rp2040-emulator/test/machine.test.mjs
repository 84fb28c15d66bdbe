import assert from 'node:assert/strict';
import test from 'node:test';

import { Machine, Pause } from '../src/machine.mjs';
import * as mailbox from '../src/mailbox.mjs';
import * as t from './support/thumb.mjs';

const SCRATCH1 = 0x4005_8010;
const WATCHDOG_CTRL = 0x4005_8000;
const WATCHDOG_LOAD = 0x4005_8004;
const PSM_WDSEL = 0x4001_0008;
const AIRCR = 0xe000_ed0c;
const OFF_WITH_TWO_FAILURES = 0x6d6e_6f02;
function machineWith(code, handlers) {
    const machine = new Machine();
    assert.ok(machine.powerOn(t.imageWith(code, handlers)));
    return machine;
}

const kind = (machine, limits = {}) => machine.run(limits).kind;

test('an image boots through its second stage', () => {
    const machine = machineWith([t.set(4, 42), t.WFI]);
    assert.equal(kind(machine), Pause.ASLEEP);
    assert.equal(machine.chip.core.registers[4], 42);
    assert.equal(machine.chip.core.SP, t.STACK);
});

test('an image without a second stage does not boot', () => {
    assert.ok(!new Machine().powerOn([{ address: t.FLASH, bytes: Buffer.alloc(300) }]));
});

test('pieces go to flash and RAM', () => {
    const machine = new Machine();
    machine.powerOn([...t.imageWith([]), { address: t.RAM + 8, bytes: Buffer.from([1, 2]) }]);
    assert.deepEqual([...machine.chip.mcu.sram.subarray(8, 10)], [1, 2]);
});

test('it knows how deep the main stack was, handlers included', () => {
    const PUSH_R4_LR = 0xb510;
    const POP_R4_PC = 0xbd10;
    const machine = new Machine();
    machine.gaugesStack = true;
    const image = t.imageWith([PUSH_R4_LR, t.SVC, t.WFI, t.END], { [t.Exception.SVCALL]: [PUSH_R4_LR, POP_R4_PC] });
    assert.ok(machine.powerOn(image));
    assert.equal(kind(machine), Pause.ASLEEP);
    const frame = 32;
    assert.equal(machine.chip.stackDepth, 8 + frame + 8);
});

test('it runs as many instructions as it may', () => {
    const machine = machineWith([]);
    assert.equal(kind(machine, { instructions: 1000 }), Pause.SPENT);
    // A jump takes two cycles; the second stage is seven instructions.
    assert.ok(machine.cycles > 1900 && machine.cycles < 2100, `${machine.cycles}`);
});

test('it runs as long as it may, awake or asleep', () => {
    const busy = machineWith([]);
    assert.equal(kind(busy, { until: 1e6 }), Pause.REACHED);
    assert.ok(busy.nanos >= 1e6 && busy.nanos < 1.001e6);
    const asleep = machineWith([t.WFI]);
    asleep.onStart = () => {};
    asleep.run({ instructions: 100 });
    asleep.chip.clock.createAlarm(() => {}).schedule(60e9);
    assert.equal(kind(asleep, { until: 10e9 }), Pause.REACHED);
    assert.equal(asleep.nanos, 10e9);
    assert.equal(kind(asleep, { until: 100e9 }), Pause.ASLEEP);
});

test('it stops when it is told to, also at rest', () => {
    const machine = machineWith([t.WFI]);
    let rests = 0;
    machine.onRest = () => {
        rests++;
        machine.stop();
    };
    assert.equal(kind(machine), Pause.STOPPED);
    assert.equal(rests, 1);
});

test('an image that says that it is off is finished at its next WFI', () => {
    const machine = machineWith(t.storing([[SCRATCH1, OFF_WITH_TWO_FAILURES]]));
    assert.equal(kind(machine), Pause.FINISHED);
    assert.deepEqual(machine.said, { state: mailbox.State.OFF, count: 2 });
});

test('it is finished even if the WFI would not sleep', () => {
    const machine = machineWith([t.CPSID, t.NOP, ...t.storing([[SCRATCH1, 0x6d6e_7000]])]);
    machine.run({ instructions: 9 });
    machine.chip.core.enabledInterrupts = 1;
    machine.chip.mcu.setInterrupt(0, true);
    assert.equal(kind(machine), Pause.FINISHED);
    assert.equal(machine.said.state, mailbox.State.PANICKED);
});

test('what is in the UART when the image is off is sent nevertheless', () => {
    const machine = machineWith(t.storing([[SCRATCH1, OFF_WITH_TWO_FAILURES]]));
    const sent = [];
    const [uart] = machine.chip.uarts;
    uart.onByte = (byte) => sent.push(byte);
    uart.writeUint32Atomic(0x2c, 0x70, 0);
    uart.writeUint32Atomic(0x30, 0x301, 0);
    [1, 2, 3].forEach((byte) => uart.writeUint32Atomic(0, byte, 0));
    assert.equal(kind(machine), Pause.FINISHED);
    assert.deepEqual(sent, [1, 2, 3]);
});

test('a reset pauses, and the next chip adds to the time and the cycles', () => {
    const machine = machineWith(t.storing([[AIRCR, 0x05fa_0004]]));
    const starts = [];
    machine.onStart = (chip) => starts.push(chip);
    assert.deepEqual(machine.run({}), { kind: Pause.RESET, cause: 'core' });
    const { cycles, nanos } = machine;
    assert.ok(machine.reset('core'));
    assert.deepEqual([machine.cycles, machine.nanos], [cycles, nanos]);
    assert.equal(machine.chip.cycles, 0);
    assert.equal(kind(machine), Pause.RESET);
    assert.equal(machine.cycles, 2 * cycles);
    assert.equal(starts.length, 1);
});

test('the image knows who is at the other end, before and after a reset', () => {
    const machine = new Machine();
    machine.powerOn(t.imageWith([]), { isScript: true });
    assert.equal(machine.chip.scratch[0], 0x6d6e_706c);
    machine.chip.scratch[1] = OFF_WITH_TWO_FAILURES;
    machine.reset('core');
    assert.equal(machine.chip.scratch[0], 0x6d6e_706c);
    assert.equal(machine.said.state, mailbox.State.SILENT);
    machine.powerOn(t.imageWith([]));
    assert.equal(machine.chip.scratch[0], 0);
});

test('a word of another kind in the mailbox says nothing', () => {
    const machine = machineWith([]);
    for (const word of [0, 0x1234_5678, 0x6d6e_7800, 0x6f00]) {
        machine.chip.scratch[1] = word;
        assert.equal(machine.said.state, mailbox.State.SILENT);
    }
});

test('a lockup is the end without a watchdog', () => {
    const machine = machineWith([t.UDF], { [t.Exception.HARD_FAULT]: [t.UDF] });
    const { kind, fault } = machine.run({});
    assert.equal(kind, Pause.LOCKUP);
    assert.match(`${fault}`, /undefined instruction at 0x1000/);
});

test('a watchdog helps out of a lockup, when its time has come', () => {
    const machine = machineWith([t.UDF], { [t.Exception.HARD_FAULT]: [t.UDF] });
    const { core } = machine.chip;
    core.writeUint32(PSM_WDSEL, 1 << 15);
    core.writeUint32(WATCHDOG_LOAD, 2 * 1_000_000);
    core.writeUint32(WATCHDOG_CTRL, 1 << 30);
    assert.equal(kind(machine, { until: 0.5e9 }), Pause.REACHED);
    assert.deepEqual(machine.run({}), { kind: Pause.RESET, cause: 'watchdog timer' });
    assert.ok(Math.abs(machine.nanos - 1e9) < 2000);
    machine.reset('watchdog timer');
    assert.equal(kind(machine), Pause.LOCKUP, 'and the new chip locks up anew');
});

test('the same image takes the same cycles and the same time, whatever slices it runs in', () => {
    const outcome = (instructions) => {
        const machine = machineWith(Array.from({ length: 50 }, () => t.add(4, 1)).concat(t.WFI));
        while (machine.run({ instructions }).kind === Pause.SPENT);
        return [machine.cycles, machine.nanos];
    };
    assert.deepEqual(outcome(7), outcome(1000));
});
