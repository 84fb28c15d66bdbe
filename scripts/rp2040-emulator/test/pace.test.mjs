import assert from 'node:assert/strict';
import test from 'node:test';

import { Bell } from '../src/bell.mjs';
import { Pace } from '../src/pace.mjs';

const MS = 1e6;

function paceAt(start) {
    const wall = { now: start };
    return { wall, pace: new Pace(() => wall.now) };
}

test('a machine goes as far as the wall, and a little further', () => {
    const { wall, pace } = paceAt(1000 * MS);
    assert.equal(pace.until(0), 2 * MS);
    wall.now += 10 * MS;
    assert.equal(pace.until(2 * MS), 12 * MS);
    assert.equal(pace.aheadMilliseconds(12 * MS), 2);
    assert.equal(pace.aheadMilliseconds(5 * MS), 0);
});

test('a machine that was slow does not hurry afterwards', () => {
    const { wall, pace } = paceAt(0);
    wall.now = 5000 * MS;
    assert.equal(pace.until(100 * MS), 102 * MS);
    wall.now += 10 * MS;
    assert.equal(pace.until(102 * MS), 112 * MS);
});

test('a machine that slept wakes up when it is on the wall', () => {
    const { wall, pace } = paceAt(0);
    wall.now = 5000 * MS;
    assert.equal(pace.catchUp(), 5000 * MS);
});

test('a bell that has rung before is heard', async () => {
    const bell = new Bell();
    bell.ring();
    await bell.wait();
    const waiting = bell.wait();
    bell.ring();
    await waiting;
    await bell.wait(0);
});
