/**
 * Packet information made ready to be sent back; that the kernel takes it is in datagram-batch.test.ts.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OS } from '../../src/os/libc.ts';
import { readyPacketInfo } from '../../src/os/packet-info.ts';

test('the interface index is zeroed, and nothing else', () => {
  // struct cmsghdr (length, level, type), then in_pktinfo: index, local address, header's address.
  const ipv4 = Int32Array.of(-1, 28, 0, OS.IPPROTO_IP, OS.IP_PKTINFO, 7, 0x0500_007f, 0x0500_007f);
  assert.equal(readyPacketInfo(ipv4, 1), 32);
  assert.deepEqual(
    [...ipv4],
    [-1, 28, 0, OS.IPPROTO_IP, OS.IP_PKTINFO, 0, 0x0500_007f, 0x0500_007f],
  );
  // in6_pktinfo: the address, then the index.
  const ipv6 = Int32Array.of(36, 0, OS.IPPROTO_IPV6, OS.IPV6_PKTINFO, 1, 2, 3, 4, 7, -1);
  assert.equal(readyPacketInfo(ipv6, 0), 40);
  assert.deepEqual([...ipv6], [36, 0, OS.IPPROTO_IPV6, OS.IPV6_PKTINFO, 1, 2, 3, 4, 0, -1]);
});
