/**
 * Socket addresses in octets, of both families.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { addressText } from '../../src/base/ip-address.ts';
import { readSocketAddress, writeSocketAddress } from '../../src/os/socket-address.ts';
import { SOCKET_ADDRESS_SIZE } from '../../src/os/socket-octets.ts';

const hosts = fc
  .oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
  )
  .map(addressText);

test('addresses of both families survive, anywhere in memory', () => {
  fc.assert(
    fc.property(hosts, fc.nat(65_535), fc.nat(7), (host, port, at) => {
      // A view that does not start where its buffer does.
      const octets = new Uint8Array(new ArrayBuffer(64), 3, 50).fill(0xa5);
      const size = writeSocketAddress(octets, at, { host, port });
      assert.equal(size, host.includes(':') ? 28 : 16);
      assert.ok(size <= SOCKET_ADDRESS_SIZE);
      assert.deepEqual(readSocketAddress(octets, at), { host, port });
      assert.ok(octets.subarray(at + size).every((octet) => octet === 0xa5));
    }),
  );
});

test('the family is in host order, the port in the network’s', () => {
  const octets = new Uint8Array(28);
  writeSocketAddress(octets, 0, { host: '192.0.2.1', port: 0x0102 });
  assert.deepEqual([...octets.subarray(0, 8)], [2, 0, 1, 2, 192, 0, 2, 1]);
  writeSocketAddress(octets, 0, { host: '::1', port: 53 });
  assert.deepEqual([...octets.subarray(0, 9)], [10, 0, 0, 53, 0, 0, 0, 0, 0]);
  assert.equal(octets[23], 1);
});

test('a zone becomes the number of the interface', () => {
  const octets = new Uint8Array(28);
  writeSocketAddress(octets, 0, { host: 'fe80::1%7', port: 53 });
  assert.deepEqual([...octets.subarray(24)], [7, 0, 0, 0]);
  writeSocketAddress(octets, 0, { host: 'fe80::1%lo', port: 53 });
  assert.equal(octets[24], Number(readFileSync('/sys/class/net/lo/ifindex', 'utf8')));
  writeSocketAddress(octets, 0, { host: 'fe80::1', port: 53 });
  assert.equal(octets[24], 0);
  assert.deepEqual(readSocketAddress(octets, 0), { host: 'fe80::1', port: 53 });
});

test('what is no address is refused', () => {
  assert.throws(
    () => writeSocketAddress(new Uint8Array(32), 0, { host: 'localhost', port: 53 }),
    TypeError,
  );
});
