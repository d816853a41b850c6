/**
 * Mnemonics of numbers, and the spelling of those without one.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { className, QTYPE, RCODE, rcodeName, typeName } from '../../src/wire/registry.ts';

test('names numbers, and spells the others as RFC 3597 §5 does', () => {
  assert.equal(rcodeName(RCODE.NXDOMAIN), 'NXDOMAIN');
  assert.equal(rcodeName(4000), 'RCODE4000');
  assert.equal(typeName(QTYPE.AAAA), 'AAAA');
  assert.equal(typeName(65280), 'TYPE65280');
  assert.equal(className(1), 'IN');
  assert.equal(className(32), 'CLASS32');
});
