/**
 * IP addresses between text and octets, against node:net's own reading.
 */
import assert from 'node:assert/strict';
import { BlockList, SocketAddress } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { addressOctets, addressText, hostPort, isLoopback } from '../../src/base/ip-address.ts';

test('loopback, as sockets show it', () => {
  for (const address of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1']) {
    assert(isLoopback(address), address);
  }
  for (const address of ['', '10.0.0.1', '::', 'fe80::1', '::ffff:10.0.0.1', '127.example.org']) {
    assert(!isLoopback(address), address);
  }
});

test('reads IPv4', () => {
  assert.deepEqual([...addressOctets('192.0.2.1')!], [192, 0, 2, 1]);
  assert.deepEqual([...addressOctets('0.0.0.0')!], [0, 0, 0, 0]);
});

test('reads every form of IPv6 (RFC 4291 §2.2)', () => {
  const hex = (text: string) => Buffer.from(addressOctets(text)!).toString('hex');
  assert.equal(hex('::'), '00'.repeat(16));
  assert.equal(hex('::1'), `${'00'.repeat(15)}01`);
  assert.equal(hex('2001:DB8::'), `20010db8${'00'.repeat(12)}`);
  assert.equal(hex('2001:db8:1:2:3:4:5:6'), '20010db8000100020003000400050006');
  assert.equal(hex('::ffff:192.0.2.1'), `${'00'.repeat(10)}ffffc0000201`);
  assert.equal(hex('64:ff9b::192.0.2.33'), '0064ff9b0000000000000000c0000221');
});

test('refuses what is no address, and zones', () => {
  const refused = ['', 'example.org', '1.2.3', '1.2.3.256', ':::', 'fe80::1%lo', '[::1]'];
  for (const text of refused) assert.equal(addressOctets(text), undefined, text);
});

test('shortens IPv6 as RFC 5952 §4 says', () => {
  const cases = [
    ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['1:0:0:0:0:0:0:0', '1::'],
  ];
  for (const [long, short] of cases) assert.equal(addressText(addressOctets(long!)!), short);
});

test('any octets survive the way to text and back, and node reads the same address', () => {
  const octets = fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
    // Zero runs of all places and lengths.
    fc.uint8Array({ minLength: 16, maxLength: 16, max: 1 }),
  );
  fc.assert(
    fc.property(octets, (address) => {
      const text = addressText(address);
      assert.deepEqual(addressOctets(text), address);
      const family = address.length === 4 ? 'ipv4' : 'ipv6';
      const list = new BlockList();
      list.addAddress(new SocketAddress({ address: text, family }));
      assert.ok(list.check(text, family));
    }),
  );
});

test('joins host and port as Go does', () => {
  assert.equal(hostPort('192.0.2.1', 53), '192.0.2.1:53');
  assert.equal(hostPort('2001:db8::1', 53), '[2001:db8::1]:53');
  assert.equal(hostPort('', 53), ':53');
});
