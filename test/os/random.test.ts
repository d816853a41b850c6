/** Octets that nobody foresees, wherever they come from. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requireLibc } from '../../src/os/libc.ts';
import { fillRandom, randomHex, randomUint } from '../../src/os/random.ts';
import { skipWithoutLibc } from './sockets.ts';

/** Each of these zero after a draw is once in 2^64. */
function assertFilled(octets: Uint8Array) {
  for (let at = 0; at + 8 <= octets.length; at += 8) {
    assert(
      octets.subarray(at, at + 8).some((octet) => octet !== 0),
      `octets ${at} to ${at + 7}`,
    );
  }
}

test('all octets are drawn, more than one draw has too', { skip: skipWithoutLibc }, () => {
  for (const size of [8, 4096, 10_000]) {
    const octets = new Uint8Array(size);
    fillRandom(octets);
    assertFilled(octets);
  }
});

test('a kernel that gives less than was asked for is asked again', {
  skip: skipWithoutLibc,
}, () => {
  const libc = requireLibc();
  let draws = 0;
  const octets = new Uint8Array(100);
  fillRandom(octets, {
    ...libc,
    getrandom: (address, size, flags) => {
      draws += 1;
      return libc.getrandom(address, Math.min(size, 32), flags);
    },
  });
  assert.equal(draws, 4);
  assertFilled(octets);
});

test('where it gives none, or libc cannot be called, node:crypto does', () => {
  const octets = new Uint8Array(64);
  fillRandom(octets, new Error('no koffi'));
  assertFilled(octets);
});

test('a kernel that refuses is none', { skip: skipWithoutLibc }, () => {
  const octets = new Uint8Array(64);
  fillRandom(octets, { ...requireLibc(), getrandom: () => -1 });
  assertFilled(octets);
});

test('numbers have all their bits, and no more', () => {
  const all = (octetCount: number) =>
    Array.from({ length: 200 }, () => randomUint(octetCount)).reduce((one, other) => {
      assert(Number.isInteger(other) && other >= 0 && other < 256 ** octetCount);
      return Math.max(one, other);
    });
  for (const octetCount of [2, 4, 6]) assert(all(octetCount) >= 256 ** octetCount / 2);
  assert.match(randomHex(16), /^[0-9a-f]{32}$/);
  assert.notEqual(randomHex(16), randomHex(16));
});
