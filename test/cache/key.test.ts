/**
 * Keys: what they separate, what they do not, and how they are hashed.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  CacheKey,
  hashWords,
  KEY_FLAG,
  KEY_WORDS_MAX,
  keyText,
  setKeyName,
} from '../../src/cache/key.ts';
import { lowerName } from '../../src/wire/name.ts';
import { encodeName, FLAG } from '../support/messages.ts';
import { type KeyFields, keyOf } from './fixtures.ts';

const names = fc
  .array(fc.uint8Array({ minLength: 1, maxLength: 63 }), { maxLength: 5 })
  .filter((labels) => encodeName(labels).length <= 255);

test('holds the lower-case name and the numbers of the query', () => {
  fc.assert(
    fc.property(names, fc.nat(0xffff), fc.nat(0xffff), (name, type, block) => {
      const key = keyOf({ name, type, class: 255, block, edns: { dnssecOk: true } });
      const octets = encodeName(name);
      assert.equal(key.qnameSize, octets.length);
      assert.deepEqual(key.octets.slice(0, octets.length), lowerName(new Uint8Array(octets)));
      assert.deepEqual(
        [key.qtype, key.qclass, key.block, key.flags],
        [type, 255, block, KEY_FLAG.DO | KEY_FLAG.RD],
      );
      assert.ok(key.size <= KEY_WORDS_MAX);
    }),
  );
});

test('does not depend on what stands behind the name', () => {
  fc.assert(
    fc.property(names, fc.integer(), (name, outside) => {
      const octets = encodeName(name);
      const words = new Int32Array(80).fill(outside);
      new Uint8Array(words.buffer).set(octets, 12);
      const key = new CacheKey();
      setKeyName(key, words, 0, octets.length);
      const rest = key.octets.slice(octets.length, 4 * (key.size - 2));
      assert.ok(rest.every((octet) => octet === 0));
    }),
  );
});

test('a key used again holds nothing of the one before', () => {
  const words = new Int32Array(80).fill(-1);
  const key = new CacheKey();
  setKeyName(key, words, 0, 255);
  new Uint8Array(words.buffer).set(encodeName('ab.c'), 12);
  setKeyName(key, words, 0, 6);
  assert.deepEqual([...key.octets.subarray(0, 8)], [2, 97, 98, 1, 99, 0, 0, 0]);
});

const BASE: KeyFields = { name: 'www.example.org' };

test('letter case, id, AD and the EDNS size make no difference', () => {
  const same: KeyFields[] = [
    { name: 'WwW.eXample.ORG' },
    { ...BASE, id: 7 },
    { ...BASE, flags: FLAG.RD | FLAG.AD },
    { ...BASE, edns: { size: 4096 } },
  ];
  for (const fields of same) {
    assert.equal(keyText(keyOf(fields)), keyText(keyOf(BASE)));
    assert.equal(keyOf(fields).hash, keyOf(BASE).hash);
  }
});

test('name, type, class, block, DO, CD and RD do', () => {
  const different: KeyFields[] = [
    BASE,
    { name: 'example.org' },
    { name: ['www.example', 'org'] },
    { ...BASE, type: 'AAAA' },
    { ...BASE, class: 'CH' },
    { ...BASE, block: 2 },
    { ...BASE, edns: { dnssecOk: true } },
    { ...BASE, flags: FLAG.RD | FLAG.CD },
    { ...BASE, flags: 0 },
  ];
  assert.equal(new Set(different.map((fields) => keyText(keyOf(fields)))).size, different.length);
  assert.equal(new Set(different.map((fields) => keyOf(fields).hash)).size, different.length);
});

test('the hash depends on the seed and on every bit', () => {
  const key = keyOf(BASE);
  const hashes = new Set([keyOf({ ...BASE, seed: { low: 0x1234567, high: 0 } }).hash, key.hash]);
  for (let bit = 0; bit < 32 * key.size; bit++) {
    key.words[bit >> 5]! ^= 1 << (bit & 31);
    hashes.add(hashWords(key.words, key.size, { low: 0, high: 0 }));
    key.words[bit >> 5]! ^= 1 << (bit & 31);
  }
  assert.equal(hashes.size, 32 * key.size + 2);
});

test('names that differ in a digit spread over the buckets', () => {
  const buckets = new Int32Array(256);
  for (let pod = 0; pod < 2048; pod++) buckets[keyOf({ name: `web-${pod}.svc` }).hash & 255]! += 1;
  // Eight a bucket on average; a fair hash exceeds 30 about once in a thousand million tries.
  assert.ok(Math.max(...buckets) <= 30);
});

test('differences that cancel in a multiply-and-fold hash do not collide under any seed', () => {
  const words = Int32Array.of(0x01020304, 0x05060708, 0x090a0b0c);
  const other = Int32Array.of(words[0]! ^ 0x80000000, words[1]! ^ 0x80010000, words[2]!);
  for (let low = 0; low < 1000; low++) {
    const seed = { low, high: Math.imul(low, 0x9e3779b1) };
    assert.notEqual(hashWords(words, 3, seed), hashWords(other, 3, seed));
  }
});
