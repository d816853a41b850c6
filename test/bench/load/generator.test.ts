/**
 * The generator against servers that answer rightly, and against servers with one fault each: the counts must say so.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LoadReport, runLoad } from '../../../bench/load/generator.ts';
import { parseLoadOptions } from '../../../bench/load/options.ts';
import { startUpstream } from '../../../bench/load/upstream.ts';
import { loadLibc } from '../../../src/os/libc.ts';
import { type Fault, startFaultyServer } from '../support/faulty-server.ts';

const skip = loadLibc() instanceof Error ? 'no system calls here' : false;

/** 100 queries, each once, with every check turned on. */
async function ask(fault: Fault, ...flags: string[]): Promise<LoadReport> {
  const server = await startFaultyServer(fault);
  const list = ['--names=50', '--mixed-case', '--order=once', '--exact-address', '--window=16'];
  try {
    const flagsOfServer = [`--server=127.0.0.1:${server.port}`, ...list, ...flags];
    return await runLoad(parseLoadOptions(flagsOfServer));
  } finally {
    await server.close();
  }
}

test('right answers are all counted, in a closed window and in an open loop', {
  skip,
}, async () => {
  for (const flags of [['--edns'], ['--rate=5000'], ['--rate=5000', '--spin', '--channels=1']]) {
    const report = await ask('none', ...flags);
    assert.equal(report.sent, 100);
    assert.equal(report.answered, 100);
    assert.deepEqual(report.rcodes, { NOERROR: 100 });
    const { wrong, lost, late, duplicates, unexpected, notSent, errors } = report;
    assert.deepEqual({ wrong, lost, late, duplicates, unexpected, notSent }, NOTHING);
    assert.deepEqual(errors, {});
    assert(report.latencyUs.p50 > 0 && report.latencyUs.p50 <= report.latencyUs.max);
    assert(report.generatorCpuUs! > 0);
  }
});

const NOTHING = { wrong: 0, lost: 0, late: 0, duplicates: 0, unexpected: 0, notSent: 0 };

test('each wrong answer is counted under its name', { skip }, async () => {
  const verdicts: readonly (readonly [Fault, Record<string, number>])[] = [
    ['lower-case', { wrong_question: 50 }],
    ['servfail', { wrong_rcode: 100 }],
    ['wrong-address', { wrong_address: 100 }],
    ['no-answer', { wrong_answer_count: 100 }],
  ];
  for (const [fault, expected] of verdicts) {
    const report = await ask(fault);
    assert.deepEqual(report.wrongBy, expected, fault);
    assert.equal(report.answered, 100);
    assert.equal(report.wrongSamples.length, 4);
  }
});

test('a second reply is a duplicate, not an answer', { skip }, async () => {
  const report = await ask('twice');
  assert.equal(report.answered, 100);
  // The last duplicate may still be on its way when the last answer ends the run.
  assert(report.duplicates >= 50 && report.duplicates <= 100, `${report.duplicates}`);
});

test('what is not answered in time is lost', { skip }, async () => {
  const report = await ask('drops-every-tenth', '--timeout=1');
  assert.deepEqual([report.answered, report.lost, report.wrong], [90, 10, 0]);
});

test('replies with another id, or to another socket, answer nothing', { skip }, async () => {
  const [otherId, otherSocket] = await Promise.all([
    ask('wrong-id', '--names=4', '--timeout=1.5'),
    ask('to-the-first-socket', '--names=8', '--timeout=1.5'),
  ]);
  assert.deepEqual([otherId.answered, otherId.unexpected, otherId.lost], [0, 8, 8]);
  assert.equal(otherId.queriesPerSecond, 0);
  assert.equal(otherSocket.answered + otherSocket.unexpected, 16);
  assert(otherSocket.unexpected > 0 && otherSocket.wrong === 0);
});

test('a server that is not there: refused calls are counted, and the run ends', {
  skip,
}, async () => {
  const server = await startFaultyServer('none');
  await server.close();
  const flags = [`--server=127.0.0.1:${server.port}`, '--names=5', '--order=once', '--window=1'];
  const report = await runLoad(
    parseLoadOptions([...flags, '--seconds=0.05', '--channels=1', '--timeout=0.5']),
  );
  assert.equal(report.answered, 0);
  assert.equal(report.lost + report.notSent, 1);
  assert.deepEqual(report.errors, { 'receive errno 111': 1 });
});

test('over TCP: pipelined, whole, in a window and at a rate', { skip }, async () => {
  const upstream = await startUpstream();
  const server = `--server=127.0.0.1:${upstream.port}`;
  const list = ['--tcp', '--names=500', '--order=once', '--exact-address', '--channels=3'];
  for (const flags of [
    ['--window=64', '--prime'],
    ['--rate=10000', '--edns'],
  ]) {
    const report = await runLoad(parseLoadOptions([server, ...list, ...flags]));
    assert.deepEqual([report.sent, report.answered, report.wrong], [500, 500, 0]);
    assert.deepEqual(report.errors, {});
  }
  upstream.close();
});

test('the warm-up and the prime phase are not counted', { skip }, async () => {
  const report = await ask(
    'none',
    '--order=cycle',
    '--prime',
    '--rate=1000',
    '--warmup=0.1',
    '--seconds=0.1',
  );
  assert.equal(report.sent, 100);
});
