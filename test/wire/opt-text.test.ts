/** OPT records and their options as text. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ROOT } from '../../src/wire/name.ts';
import { ednsOptions, ednsOptionText, optText } from '../../src/wire/opt-text.ts';
import { QTYPE } from '../../src/wire/registry.ts';

function textOf(ttlS: number, hex: string): string {
  const data = Buffer.from(hex, 'hex');
  return optText({ owner: ROOT, type: QTYPE.OPT, rclass: 1_232, ttlS, data });
}

test('flags, version and size', () => {
  const head = '\n;; OPT PSEUDOSECTION:\n; EDNS: version';
  assert.equal(textOf(0, ''), `${head} 0; flags:; udp: 1232`);
  assert.equal(textOf(0x0001_c000, ''), `${head} 1; flags: do co; udp: 1232`);
  assert.equal(textOf(0x0000_0005, ''), `${head} 0; flags:; MBZ: 0x0005, udp: 1232`);
  assert.match(textOf(0, '000a000801020304050607080003'), /\n; COOKIE: 0102030405060708$/);
});

test('options by their code', () => {
  const cases: [code: number, hex: string, text: string][] = [
    [3, '', ''],
    [8, '00011800c00002', '192.0.2.0/24/0'],
    [8, '0002380020010db8000000', '[2001:db8::]/56/0'],
    [8, '0003', '8:0x0003'],
    [8, '00012000c0000201ff', '8:0x00012000c0000201ff'],
    [9, '', ''],
    [9, '0000003c', '60'],
    [9, '00', '9:0x00'],
    [10, '0102030405060708', '0102030405060708'],
    [11, '', 'use tcp keep-alive, timeout omitted'],
    [11, '0064', 'use tcp keep-alive, timeout 10000ms'],
    [12, '00ab', '00AB'],
    [65_001, '0102', '65001:0x0102'],
  ];
  for (const [code, hex, text] of cases) {
    assert.equal(ednsOptionText({ code, data: Buffer.from(hex, 'hex') }), text, `${code} ${hex}`);
  }
});

test('options fill what they are cut from', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (octets) => {
      const options = ednsOptions(octets);
      const size = options.reduce((sum, { data }) => sum + 4 + data.length, 0);
      assert.ok(size <= octets.length);
      for (const option of options) assert.equal(typeof ednsOptionText(option), 'string');
    }),
  );
});
