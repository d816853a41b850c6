/**
 * Log lines: CoreDNS's shape, pino's shape, and the level.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog } from '../../src/base/log.ts';

function capture(format: 'text' | 'json' = 'text') {
  const lines: string[] = [];
  return { lines, log: createLog((line) => lines.push(line), { format }) };
}

test('a log with a limit and a prefix of its own', () => {
  const lines: string[] = [];
  let nowMs = 0;
  const log = createLog((line) => lines.push(line), { clock: { nowMs: () => nowMs } });
  const limited = log.limited('late', 2);
  for (let count = 0; count < 5; count++) limited.warn(`${count}`, { count });
  log.info('others have theirs');
  nowMs = 1000;
  limited.warn('5');
  assert.deepEqual(lines, [
    '[WARNING] late: 0\n',
    '[WARNING] late: 1\n',
    '[INFO] others have theirs\n',
    '[WARNING] late: 3 more lines suppressed\n',
    '[WARNING] late: 5\n',
  ]);
  assert.equal(log.losses.suppressed, 3);
});

test('fields stand beside the message in JSON', () => {
  const lines: string[] = [];
  createLog((line) => lines.push(line), { format: 'json' }).warn('late', { client: '10.0.0.1' });
  const { msg, client } = JSON.parse(lines[0]!);
  assert.deepEqual([msg, client], ['late', '10.0.0.1']);
});

test('writes lines as CoreDNS does', () => {
  const { lines, log } = capture();
  log.info('started');
  log.warn('odd "quotes"\tand tabs');
  log.error('broken');
  log.plugin('reload').info('Running configuration');
  assert.deepEqual(lines, [
    '[INFO] started\n',
    '[WARNING] odd "quotes"\tand tabs\n',
    '[ERROR] broken\n',
    '[INFO] plugin/reload: Running configuration\n',
  ]);
});

test('drops debug lines until the level is raised, in plugin logs too', () => {
  const { lines, log } = capture();
  const plugin = log.plugin('cache');
  plugin.debug('hidden');
  log.setLevel('debug');
  plugin.debug('shown');
  log.setLevel('error');
  plugin.warn('hidden');
  assert.deepEqual(lines, ['[DEBUG] plugin/cache: shown\n']);
});

test("writes pino's JSON where it is asked to", () => {
  const { lines, log } = capture('json');
  log.plugin('errors').error('x');
  const { level, msg } = JSON.parse(lines[0]!);
  assert.deepEqual([level, msg], [50, 'plugin/errors: x']);
});

test('no message passes for another line, whatever octets it holds', () => {
  const { lines, log } = capture();
  log.error('one\n[FATAL] two\r\u001b[2Jthree\u0000\u007f\u0085\u2028');
  assert.deepEqual(lines, ['[ERROR] one\n  [FATAL] two\\013\\027[2Jthree\\000\\127\\133\\8232\n']);
});

test('lines have a bounded length', () => {
  const { lines, log } = capture();
  log.info('x'.repeat(1_000_000));
  assert(lines[0]!.length < 16_384);
  assert.match(lines[0]!, /x\.\.\. \(1000000 characters\)\n$/);
});

test('a flood of one plugin leaves the lines of others alone, and is told of in one line', () => {
  const lines: string[] = [];
  let nowMs = 0;
  const log = createLog((line) => lines.push(line), { clock: { nowMs: () => nowMs } });
  const errors = log.plugin('errors');
  for (let count = 0; count < 5000; count++) errors.error('the same');
  log.plugin('errors').error('another log of the same plugin');
  log.plugin('reload').info('seen');
  assert.equal(lines.length, 101);
  assert.equal(lines.at(-1), '[INFO] plugin/reload: seen\n');
  assert.equal(log.losses.suppressed, 4901);
  nowMs = 1000;
  errors.error('next');
  assert.deepEqual(lines.slice(-2), [
    '[WARNING] plugin/errors: 4901 more lines suppressed\n',
    '[ERROR] plugin/errors: next\n',
  ]);
});

test('the text of a line that is not written is not made', () => {
  const log = createLog(() => {});
  let made = 0;
  const line = () => `line ${++made}`;
  for (let count = 0; count < 5000; count++) log.error(line);
  log.debug(line);
  assert.equal(made, 100);
});

test('debug lines that are not shown use up nothing', () => {
  const { lines, log } = capture();
  for (let count = 0; count < 5000; count++) log.debug('hidden');
  log.info('seen');
  assert.deepEqual(lines, ['[INFO] seen\n']);
});

test('lines that were ordered one by one are not limited', () => {
  const { lines, log } = capture();
  for (let count = 0; count < 500; count++) log.unlimited().info('a query');
  assert.equal(lines.length, 500);
  assert.equal(log.losses.suppressed, 0);
});

test('lines that the output does not take are counted, and told of once it does', () => {
  const lines: string[] = [];
  let isFull = true;
  const log = createLog((line) => {
    if (!isFull) lines.push(line);
    return !isFull;
  });
  for (let count = 0; count < 7; count++) log.info('lost');
  isFull = false;
  log.info('written');
  log.info('written too');
  assert.equal(log.losses.dropped, 7);
  assert.deepEqual(lines, [
    '[INFO] written\n',
    '[WARNING] 7 lines before the last one were lost: stdout took no more\n',
    '[INFO] written too\n',
  ]);
});
