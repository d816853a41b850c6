/** Slow answers and outliers: what is told, counted and kept, and what is not. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createLog } from '../../src/base/log.ts';
import { SLOW_LINES_PER_SECOND, SlowLog } from '../../src/watch/slow-log.ts';
import { SlowestAnswers } from '../../src/watch/slowest-answers.ts';
import { encodeQuery } from '../support/messages.ts';

class Play {
  nowMs = 1000;
  readonly lines: string[] = [];
  readonly counts = { slow: 0, outlier: 0 };
  readonly #clock = { nowMs: () => this.nowMs };
  readonly slowest = new SlowestAnswers(this.#clock);
  readonly log: ReturnType<typeof createLog>;
  readonly slowLog: SlowLog;

  constructor(slowMs = 1000, format: 'text' | 'json' = 'text') {
    const write = (line: string) => this.lines.push(line.trimEnd());
    this.log = createLog(write, { clock: this.#clock, format });
    this.slowLog = new SlowLog({
      log: this.log.limited('slow query', SLOW_LINES_PER_SECOND),
      slowest: this.slowest,
      slowMs,
      count: (kind) => {
        this.counts[kind] += 1;
      },
    });
  }

  reply(durationMs: number, name = 'a.test', upstream?: string): void {
    const query = encodeQuery({ name });
    const reply = Buffer.from(query);
    reply[2] = 0x81;
    reply[3] = 0x82;
    this.slowLog.replied({
      query,
      reply,
      protocol: 'udp',
      durationMs,
      peer: () => ({ host: '10.1.2.3', port: 4242 }),
      local: () => ({ host: '127.0.0.1', port: 53 }),
      failure: undefined,
      provenance: upstream === undefined ? undefined : { upstream },
    });
  }
}

suite('slow log', () => {
  test('beyond the threshold there is a line, with who asked and who answered', () => {
    const play = new Play();
    play.reply(999.9);
    play.reply(1000, 'Slow.Test', '10.96.0.10:53');
    play.reply(4000.04, '\u001b[31m.test');
    assert.deepEqual(play.lines, [
      '[WARNING] slow query: slow.test. A took 1000 ms: SERVFAIL, asked by 10.1.2.3, answered by 10.96.0.10:53',
      '[WARNING] slow query: \\027[31m.test. A took 4000 ms: SERVFAIL, asked by 10.1.2.3',
    ]);
    assert.deepEqual(play.counts, { slow: 2, outlier: 0 });
  });

  test('as JSON it has fields', () => {
    const play = new Play(1000, 'json');
    play.reply(1500, 'slow.test', '10.96.0.10:53');
    const { level, time, ...line } = JSON.parse(play.lines[0]!);
    assert.deepEqual(line, {
      kind: 'slow',
      name: 'slow.test.',
      type: 'A',
      rcode: 'SERVFAIL',
      durationMs: 1500,
      client: '10.1.2.3',
      upstream: '10.96.0.10:53',
      msg: 'slow query: slow.test. A took 1500 ms: SERVFAIL, asked by 10.1.2.3, answered by 10.96.0.10:53',
    });
  });

  test('an outlier is what takes ten times as long as is usual, once it is known what is usual', () => {
    const play = new Play();
    for (let count = 0; count < 99; count++) play.reply(5);
    play.reply(500);
    assert.deepEqual(play.lines, []);
    for (let count = 0; count < 100; count++) play.reply(5);
    play.reply(99);
    play.reply(500);
    assert.equal(play.lines.length, 1);
    assert.match(play.lines[0]!, /a\.test\. A took 500 ms: .*, 19 of 20 take [\d.]+ ms at most$/);
    assert.deepEqual(play.counts, { slow: 0, outlier: 1 });
  });

  test('where everything is slow, nothing is an outlier', () => {
    const play = new Play();
    for (let count = 0; count < 300; count++) play.reply(400 + (count % 10));
    play.reply(900);
    assert.deepEqual(play.lines, []);
  });

  test('0 turns it off, and the slowest are still kept', () => {
    const play = new Play(0);
    for (let count = 0; count < 200; count++) play.reply(5);
    play.reply(9000, 'slow.test');
    assert.deepEqual([play.lines, play.counts.slow], [[], 0]);
    assert.equal(play.slowest.slowest(1)[0]!.name, 'slow.test.');
  });

  test('in a flood lines are suppressed, counted and told of', () => {
    const play = new Play();
    for (let count = 0; count < 50; count++) play.reply(2000);
    assert.equal(play.lines.length, SLOW_LINES_PER_SECOND);
    assert.equal(play.counts.slow, 50);
    assert.equal(play.log.losses.suppressed, 50 - SLOW_LINES_PER_SECOND);
    play.nowMs += 1000;
    play.reply(2000);
    assert.equal(
      play.lines[SLOW_LINES_PER_SECOND],
      `[WARNING] slow query: ${50 - SLOW_LINES_PER_SECOND} more lines suppressed`,
    );
  });
});

suite('the slowest', () => {
  test('each question once, at its worst, the slowest first', () => {
    const play = new Play(0);
    for (const [ms, name] of [
      [10, 'a.test'],
      [30, 'b.test'],
      [20, 'a.test'],
      [15, 'a.test'],
    ] as const) {
      play.reply(ms, name);
    }
    play.nowMs += 2000;
    assert.deepEqual(
      play.slowest.slowest(9).map(({ name, durationMs, agoS }) => [name, durationMs, agoS]),
      [
        ['b.test.', 30, 2],
        ['a.test.', 20, 2],
      ],
    );
  });

  test('so many at most; quicker ones are not even looked at', () => {
    const play = new Play(0);
    for (let number = 1; number <= 100; number++) play.reply(number, `n${number}.test`);
    const durations = play.slowest.slowest(1000).map(({ durationMs }) => durationMs);
    assert.deepEqual(
      durations,
      Array.from({ length: 32 }, (_, index) => 100 - index),
    );
    assert.deepEqual([play.slowest.admits(69), play.slowest.admits(69.5)], [false, true]);
  });

  test('what is old is forgotten, and makes room for quicker ones', () => {
    const play = new Play(0);
    for (let number = 1; number <= 40; number++) play.reply(4000, `n${number}.test`);
    play.nowMs += 300_001;
    play.slowest.expire();
    assert.deepEqual([play.slowest.slowest(9), play.slowest.admits(1)], [[], true]);
  });
});
