/** What of rtnetlink needs no privilege: reading. Changes and notifications are in test/host/node/netlink.test.ts. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { requireLibc } from '../../src/os/libc.ts';
import { Netlink } from '../../src/os/netlink.ts';
import {
  decodeAddress,
  decodeLink,
  decodeMessages,
  encodeAddress,
  encodeLink,
  encodeMessage,
  errnoOf,
  MESSAGE,
} from '../../src/os/netlink-message.ts';
import { watchNetlink } from '../../src/os/netlink-watch.ts';

const libc = requireLibc();

test('loopback is found, with its address', () => {
  const netlink = new Netlink(libc);
  const { index } = netlink.findLink('lo')!;
  assert.equal(index, Number(readFileSync('/sys/class/net/lo/ifindex', 'utf8')));
  const own = netlink.addresses().filter((address) => address.index === index);
  assert.ok(own.some(({ address, prefixLength }) => address === '127.0.0.1' && prefixLength === 8));
  netlink.close();
});

test('a link that is not there is undefined', () => {
  const netlink = new Netlink(libc);
  assert.equal(netlink.findLink('not-there'), undefined);
  netlink.close();
});

test('a watch keeps no process alive and gives its descriptor back', () => {
  const options = { protocol: 0, groups: 1, onMessages: () => {}, onLoss: () => {} };
  for (let round = 0; round < 3; round++) watchNetlink(libc, options)();
});

test('messages and their bodies come back from octets', () => {
  const address = { index: 7, address: 'fd00:90::a', prefixLength: 128 };
  const octets = Buffer.concat([
    encodeMessage(MESSAGE.NEW_ADDRESS, 0, 1, encodeAddress(address)),
    encodeMessage(MESSAGE.NEW_LINK, 0, 2, encodeLink({ index: 9, name: 'odd', isUp: true })),
    encodeMessage(MESSAGE.ERROR, 0, 3, new Uint8Array(Int32Array.of(-19, 0, 0, 0, 0).buffer)),
  ]);
  const [first, second, third] = decodeMessages(octets);
  assert.deepEqual(decodeAddress(first!), address);
  assert.deepEqual(decodeLink(second!), { index: 9, isUp: true });
  assert.deepEqual([third?.sequence, errnoOf(third!)], [3, 19]);
});

test('what is cut short or says an impossible size is left out', () => {
  const whole = encodeMessage(MESSAGE.NEW_LINK, 0, 1, encodeLink({ index: 9 }));
  for (let size = 0; size < whole.length; size++) {
    assert.deepEqual(decodeMessages(whole.subarray(0, size)), []);
  }
  const odd = whole.slice();
  odd[0] = 3;
  assert.deepEqual(decodeMessages(odd), []);
  const attribute = encodeAddress({ index: 1, address: '192.0.2.1', prefixLength: 32 });
  attribute[8] = 2;
  const body = decodeMessages(encodeMessage(MESSAGE.NEW_ADDRESS, 0, 1, attribute))[0]!;
  assert.equal(decodeAddress(body), undefined);
});
