import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressText } from '../../src/base/ip-address.ts';
import { nameFromText } from '../../src/wire/name.ts';
import { addressOfReverseName } from '../../src/wire/reverse-name.ts';

test('the address that a name stands for', () => {
  const addressOf = (name: string) => {
    const octets = addressOfReverseName(nameFromText(name)!);
    return octets && addressText(octets);
  };
  assert.equal(addressOf('1.2.0.192.in-addr.arpa'), '192.0.2.1');
  assert.equal(addressOf(`1.${'0.'.repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa`), '2001:db8::1');
  for (const none of [
    '2.0.192.in-addr.arpa',
    '256.2.0.192.in-addr.arpa',
    'x.1.2.0.192.in-addr.arpa',
    '8.b.d.0.1.0.0.2.ip6.arpa',
    `g.${'0.'.repeat(31)}ip6.arpa`,
    'example.org',
    '.',
  ]) {
    assert.equal(addressOf(none), undefined, none);
  }
});
