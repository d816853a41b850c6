/**
 * Log lines: CoreDNS's shape, pino's shape, and the level.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog } from '../../src/base/log.ts';

function capture(format?: 'text' | 'json') {
  const lines: string[] = [];
  return { lines, log: createLog((line) => lines.push(line), format) };
}

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
