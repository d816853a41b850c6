/** The directives that are one word, or nearly: `bufsize`, `debug` and `loop`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configOf, failureOf } from './server-block.ts';

test('bufsize is a size from 512 to 4096', () => {
  assert.equal(configOf('bufsize').bufsize, 1232);
  assert.equal(configOf('bufsize "1220"').bufsize, 1220);
  assert.equal(configOf('errors').bufsize, undefined);
  assert.match(failureOf('bufsize 5000'), /expected an integer from 512 to 4096/);
  assert.match(failureOf('bufsize 511'), /expected an integer from 512 to 4096/);
  assert.match(failureOf('bufsize abc123'), /expected an integer/);
  assert.match(failureOf('bufsize 512 512'), /unexpected '512': expected 0 to 1 arguments/);
});

test('of several bufsize the first counts', () => {
  const warnings: string[] = [];
  assert.equal(configOf('bufsize 512\nbufsize 1024', {}, warnings).bufsize, 512);
  assert.deepEqual(warnings, ['3:1 bufsize: ignored: the one at line 2 counts']);
});

test('debug and loop take nothing', () => {
  assert.deepEqual([configOf('debug').debug, configOf('loop').loop], [true, true]);
  assert.deepEqual([configOf('errors').debug, configOf('errors').loop], [false, false]);
  assert.equal(configOf('debug\ndebug').debug, true);
  assert.match(failureOf('debug x'), /unexpected 'x': expected no argument/);
  assert.match(failureOf('loop x'), /unexpected 'x': expected no argument/);
  assert.match(failureOf('loop\nloop'), /loop: expected once in a server block/);
});
