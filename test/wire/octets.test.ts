/**
 * Words of the network's order, and lower case four octets at a time.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  lowerOctet,
  lowerWord,
  setU8,
  setU16,
  setU32,
  u8,
  u16,
  u32,
  word,
} from '../../src/wire/octets.ts';

const view = new DataView(new ArrayBuffer(4));

function lowerByOctet(value: number): number {
  view.setInt32(0, value);
  for (let at = 0; at < 4; at++) view.setUint8(at, lowerOctet(view.getUint8(at)));
  return view.getInt32(0);
}

test('reads and writes what DataView does', () => {
  fc.assert(
    fc.property(fc.nat(0xffff_ffff), fc.nat(8), (value, at) => {
      const octets = new Uint8Array(12);
      const model = new DataView(new ArrayBuffer(12));
      setU32(octets, at, value);
      model.setUint32(at, value);
      assert.equal(u32(octets, at), value);
      setU16(octets, at, value & 0xffff);
      model.setUint16(at, value & 0xffff);
      assert.equal(u16(octets, at), value & 0xffff);
      setU8(octets, at + 3, value & 0xff);
      model.setUint8(at + 3, value & 0xff);
      assert.equal(u8(octets, at + 3), value & 0xff);
      assert.deepEqual(octets, new Uint8Array(model.buffer));
    }),
  );
});

test('a read past the end gives 0', () => {
  assert.equal(u16(Uint8Array.of(1), 1), 0);
  assert.equal(u32(Uint8Array.of(1), 0), 0x0100_0000);
  assert.equal(word(Int32Array.of(7), 0), 7);
});

test('lowers A to Z and nothing else (RFC 4343 §2.1)', () => {
  for (let octet = 0; octet < 256; octet++) {
    const isUpper = octet >= 65 && octet <= 90;
    assert.equal(lowerOctet(octet), isUpper ? octet + 32 : octet);
  }
});

test('lowerWord lowers every octet in every place, whatever stands beside it', () => {
  // Neighbours at which a carry would show.
  for (const beside of [0x00, 0x40, 0x41, 0x5a, 0x5b, 0x7f, 0x80, 0xc1, 0xff]) {
    const around = Math.imul(beside, 0x0101_0101);
    for (let octet = 0; octet < 256; octet++) {
      for (let shift = 0; shift < 32; shift += 8) {
        const value = (around & ~(0xff << shift)) | (octet << shift);
        assert.equal(lowerWord(value), lowerByOctet(value), value.toString(16));
      }
    }
  }
});

test('lowerWord equals lowering each octet, for any word', () => {
  fc.assert(
    fc.property(fc.integer(), (value) => assert.equal(lowerWord(value), lowerByOctet(value))),
    { numRuns: 1000 },
  );
});
