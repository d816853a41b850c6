import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writeSocketAddress } from '../../src/os/socket-address.ts';
import { canBeAnswered } from '../../src/server/source-check.ts';

function place(host: string, port: number, at = 0): Uint8Array {
  const octets = new Uint8Array(at + 32);
  writeSocketAddress(octets.subarray(at), 0, { host, port });
  return octets;
}

const OWN = place('169.254.20.10', 53);
const OWN_IPV6 = place('fd00::10', 53);

for (const [host, port] of [
  ['10.0.0.7', 40000],
  ['127.0.0.1', 53],
  ['169.254.20.10', 40000],
  ['169.254.20.11', 53],
] as const) {
  test(`${host}:${port} is answered`, () => {
    assert.ok(canBeAnswered(place(host, port, 64), 64, OWN));
  });
}

for (const [host, port, why] of [
  ['10.0.0.7', 0, 'port 0'],
  ['0.0.0.0', 40000, 'this network'],
  ['0.1.2.3', 40000, 'this network'],
  ['224.0.0.251', 5353, 'multicast'],
  ['255.255.255.255', 40000, 'broadcast'],
  ['240.0.0.1', 40000, 'reserved'],
  ['169.254.20.10', 53, 'our own socket'],
] as const) {
  test(`${host}:${port} is not: ${why}`, () => {
    assert.equal(canBeAnswered(place(host, port, 64), 64, OWN), false);
  });
}

test('IPv6 alike', () => {
  assert.ok(canBeAnswered(place('fd00::7', 40000), 0, OWN_IPV6));
  assert.ok(canBeAnswered(place('::1', 40000), 0, OWN_IPV6));
  assert.ok(canBeAnswered(place('fd00::10', 40000), 0, OWN_IPV6));
  assert.equal(canBeAnswered(place('fd00::7', 0), 0, OWN_IPV6), false);
  assert.equal(canBeAnswered(place('ff02::1', 40000), 0, OWN_IPV6), false);
  assert.equal(canBeAnswered(place('::', 40000), 0, OWN_IPV6), false);
  assert.equal(canBeAnswered(place('fd00::10', 53), 0, OWN_IPV6), false);
});
