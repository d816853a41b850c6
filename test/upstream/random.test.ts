import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jittered, RandomPool, randomBelow, unusedId } from '../../src/upstream/random.ts';

test('words spread over all sixteen bits, across draws', () => {
  const pool = new RandomPool();
  let ones = 0;
  let zeros = 0;
  const seen = new Set<number>();
  for (let draw = 0; draw < 10_000; draw++) {
    const word = pool.uint16();
    assert(Number.isInteger(word) && word >= 0 && word <= 0xffff);
    ones |= word;
    zeros |= ~word & 0xffff;
    seen.add(word);
  }
  assert.equal(ones, 0xffff);
  assert.equal(zeros, 0xffff);
  // 10,000 draws of 65,536 are expected to meet about 9,275 values.
  assert(seen.size > 9000, String(seen.size));
});

test('choices and jitter stay within their bounds', () => {
  for (const word of [0, 1, 32_767, 32_768, 65_535]) {
    const fixed = { uint16: () => word };
    assert(randomBelow(fixed, 3) >= 0 && randomBelow(fixed, 3) <= 2);
    assert(jittered(fixed, 100, 0.2) >= 80 && jittered(fixed, 100, 0.2) <= 120);
  }
});

test('an id that is taken is not drawn', () => {
  const taken = new Set(Array.from({ length: 5000 }, (_, index) => index));
  const past = new Set(Array.from({ length: 5000 }, (_, index) => 60_000 + index));
  const pool = new RandomPool();
  for (let draw = 0; draw < 1000; draw++) {
    const id = unusedId(pool, taken, past);
    assert(!taken.has(id) && !past.has(id));
  }
});
