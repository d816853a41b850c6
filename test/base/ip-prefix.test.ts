import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOctets, addressText } from '../../src/base/ip-address.ts';
import { isInPrefix, prefixFromText } from '../../src/base/ip-prefix.ts';

test('a prefix is an address and a length; bits behind it are cleared', () => {
  const text = (from: string) => {
    const prefix = prefixFromText(from);
    return prefix && `${addressText(prefix.address)}/${prefix.length}`;
  };
  assert.equal(text('192.0.2.255/25'), '192.0.2.128/25');
  assert.equal(text('0.0.0.0/0'), '0.0.0.0/0');
  assert.equal(text('2001:db8:ffff::1/33'), '2001:db8:8000::/33');
  for (const wrong of ['192.0.2.1', '192.0.2.1/33', '::/129', '/8', 'a/8', '192.0.2.1/-1']) {
    assert.equal(text(wrong), undefined, wrong);
  }
});

test('an address lies in a prefix of its own family', () => {
  const isIn = (address: string, prefix: string) =>
    isInPrefix(addressOctets(address)!, prefixFromText(prefix)!);
  assert.equal(isIn('10.1.2.3', '10.0.0.0/8'), true);
  assert.equal(isIn('11.1.2.3', '10.0.0.0/8'), false);
  assert.equal(isIn('10.0.0.127', '10.0.0.0/25'), true);
  assert.equal(isIn('10.0.0.128', '10.0.0.0/25'), false);
  assert.equal(isIn('2001:db8::1', '2001:db8::/32'), true);
  assert.equal(isIn('10.1.2.3', '::/0'), false);
});
