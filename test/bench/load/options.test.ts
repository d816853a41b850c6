import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLoadOptions } from '../../../bench/load/options.ts';

const SERVER = '--server=127.0.0.1:5300';

test('defaults: a closed window over UDP', () => {
  const options = parseLoadOptions([SERVER]);
  assert.deepEqual(options.server, { address: '127.0.0.1', port: 5300 });
  assert.equal(options.pace, undefined);
  assert.equal(options.protocol, 'udp');
  assert.equal(options.questions.length, 200);
});

test('a bad flag is named', () => {
  const failures: readonly (readonly [string[], RegExp])[] = [
    [[], /--server: expected an IPv4 ADDRESS:PORT/],
    [['--server=localhost:53'], /--server/],
    [[SERVER, '--rate=0'], /--rate: expected a number from 1/],
    [[SERVER, '--seconds=abc'], /--seconds/],
    [[SERVER, '--seconds=101'], /--seconds: expected a number from 0.01 to 100/],
    [[SERVER, '--order=random'], /--order: expected one of cycle, once, uniform, zipf/],
    [[SERVER, '--bogus'], /--bogus/],
  ];
  for (const [flags, message] of failures) assert.throws(() => parseLoadOptions(flags), message);
});
