/** The same digests as the system's library has, small or large. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { digestOf } from '../../src/base/digest.ts';

test('FIPS 180-4: "abc"', () => {
  assert.equal(
    digestOf('sha256', ['abc']).toString('hex'),
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  );
  assert.match(digestOf('sha512', ['a', 'bc']).toString('hex'), /^ddaf35a193617aba.*54ca49f$/);
});

for (const name of ['sha256', 'sha512'] as const) {
  test(`${name} of any size and in any parts`, () => {
    for (const size of [0, 1, 55, 56, 111, 112, 4096, 65_535, 65_536, 200_000]) {
      const text = 'zerohöp'.repeat(size).slice(0, size);
      const parts = [text.slice(0, size >> 1), Buffer.from(text.slice(size >> 1))];
      assert.deepEqual(digestOf(name, parts), createHash(name).update(text).digest());
    }
  });
}
