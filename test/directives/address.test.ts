/** Addresses and `HOST:PORT` texts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalAddress, portOf, splitHostPort } from '../../src/directives/address.ts';

test('an address has one spelling', () => {
  assert.equal(canonicalAddress('192.0.2.1'), '192.0.2.1');
  assert.equal(canonicalAddress('2001:DB8:0:0::1'), '2001:db8::1');
  assert.equal(canonicalAddress('::ffff:192.0.2.1'), '192.0.2.1');
  for (const text of ['', 'lo', '192.0.2', '192.0.2.01', 'fe80::1%eth0', '[::1]']) {
    assert.equal(canonicalAddress(text), undefined, text);
  }
});

test('a host and a port are separated by the only colon', () => {
  assert.deepEqual(splitHostPort('192.0.2.1:53'), { host: '192.0.2.1', port: '53' });
  assert.deepEqual(splitHostPort('[::1]:53'), { host: '::1', port: '53' });
  assert.deepEqual(splitHostPort(':53'), { host: '', port: '53' });
  for (const text of ['', '192.0.2.1', '::1', '[::1]', '::1:53']) {
    assert.equal(splitHostPort(text), undefined, text);
  }
});

test('a port is from 0 to 65535', () => {
  assert.deepEqual(['0', '53', '65535'].map(portOf), [0, 53, 65535]);
  for (const text of ['', '-1', '65536', 'dns', '5 3']) assert.equal(portOf(text), undefined, text);
});
