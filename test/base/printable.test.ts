/** What text of others may do to a terminal or a log: nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printable } from '../../src/base/printable.ts';

test('controls are escaped, line breaks indented, all else stays', () => {
  assert.equal(printable('plain, grüß, 日本\tx'), 'plain, grüß, 日本\tx');
  assert.equal(
    printable('\u001b[31mred\u009b1m\u0000\u007f\r'),
    '\\027[31mred\\1551m\\000\\127\\013',
  );
  assert.equal(printable('one\n[ERROR] two\u2028three'), 'one\n  [ERROR] two\\8232three');
});
