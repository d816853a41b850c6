import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERRNO } from '../../src/os/errno.ts';
import { LegacyTables } from '../../src/os/legacy-tables.ts';
import { requireLibc } from '../../src/os/libc.ts';
import { NfnetlinkSocket, watchNftables } from '../../src/os/nfnetlink.ts';
import { renewalOf } from '../../src/os/nfnetlink-message.ts';

// What works is in test/host/node, where there is a table and the right to change it.
const MISSING = { table: 'zerohop-test', set: 'none', key: Uint8Array.of(192, 0, 2, 1) };

test('a set that is not there, or may not be changed, is an error and no exception', () => {
  const socket = new NfnetlinkSocket(requireLibc());
  const errno = socket.commit(renewalOf([MISSING], 1000));
  assert.ok(errno === ERRNO.ENOENT || errno === ERRNO.EPERM, `errno ${errno}`);
  assert.ok([0, ERRNO.EPERM].includes(socket.delete([MISSING])));
  assert.equal(socket.expiresInMs(MISSING), undefined);
  const many = new Array(20).fill(MISSING);
  assert.equal(socket.commit(renewalOf(many, 1000)), errno, 'a batch larger than usual');
  assert.equal(socket.commit(renewalOf([MISSING], 1000)), errno, 'no answer is left of it');
  socket.close();
});

test('changes are listened to until nobody wants to hear them', () => {
  const stop = watchNftables(requireLibc(), { onChanges: () => {}, onLoss: () => {} });
  stop();
});

test('a table of iptables-legacy that cannot be asked has no fingerprint', () => {
  const tables = new LegacyTables(requireLibc());
  assert.equal(tables.fingerprint(4, 'no such table'), undefined);
  assert.equal(tables.fingerprint(6, 'no such table'), undefined);
  tables.close();
});
