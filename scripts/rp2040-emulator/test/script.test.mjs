import assert from 'node:assert/strict';
import test from 'node:test';

import { Expectations } from '../src/expectations.mjs';
import { Script } from '../src/script.mjs';

const take = (script) => script.take()?.toString() ?? null;

test('lines are taken one by one, whatever pieces they come in', () => {
    const script = new Script();
    for (const piece of ['on', 'e\ntwo\nth', 'ree', '\n\n']) {
        script.add(Buffer.from(piece));
    }
    assert.deepEqual([1, 2, 3, 4, 5].map(() => take(script)), ['one\n', 'two\n', 'three\n', '\n', null]);
});

test('what is unfinished is no line until the end comes', () => {
    const script = new Script();
    script.add(Buffer.from('one'));
    assert.ok(!script.hasLine);
    assert.ok(!script.isOver);
    script.end();
    assert.equal(take(script), 'one\n');
    assert.ok(script.isOver);
});

test('an end without a line is an end', () => {
    const script = new Script();
    script.end();
    assert.ok(script.isOver);
    assert.equal(take(script), null);
});

test('more input ends the wait for it', () => {
    const script = new Script();
    script.isWaitedFor = true;
    script.add(Buffer.from('x'));
    assert.ok(!script.isWaitedFor);
    script.isWaitedFor = true;
    script.end();
    assert.ok(!script.isWaitedFor);
});

const see = (texts, ...output) => {
    const expectations = new Expectations(texts);
    output.forEach((piece) => expectations.see(Buffer.from(piece)));
    return expectations;
};

test('texts are seen in order, whatever pieces the output comes in', () => {
    assert.ok(see(['one', 'two'], 'one two').areMet);
    assert.ok(see(['one', 'two'], ...'..one..two').areMet);
    assert.equal(see(['one', 'two'], 'two one').next, 'two');
    assert.ok(see(['aab'], 'a', 'a', 'a', 'b').areMet);
});

test('a text does not begin within the one before', () => {
    assert.equal(see(['aba', 'aba'], 'ababa').next, 'aba');
    assert.ok(see(['aba', 'aba'], 'abaaba').areMet);
});

test('letters of several bytes may come in pieces', () => {
    const bytes = Buffer.from('fünf');
    const expectations = new Expectations(['fünf']);
    bytes.forEach((byte) => expectations.see(Buffer.from([byte])));
    assert.ok(expectations.areMet);
});

test('without texts there is nothing to wait for', () => {
    assert.ok(see([]).areMet);
    assert.ok(!see([]).wereGiven);
    assert.ok(see(['x'], 'x').wereGiven);
});
