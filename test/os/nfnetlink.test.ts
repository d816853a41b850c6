import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERRNO } from '../../src/os/errno.ts';
import { LegacyTables } from '../../src/os/legacy-tables.ts';
import { requireLibc } from '../../src/os/libc.ts';
import { NfnetlinkSocket } from '../../src/os/nfnetlink.ts';

// What works is in test/host/node, where there is a table and the right to change it.
const MISSING = { table: 'zerohop-test', set: 'none', key: Uint8Array.of(192, 0, 2, 1) };

test('a set that is not there, or may not be changed, is an error and no exception', () => {
  const socket = NfnetlinkSocket.open(requireLibc());
  const errno = socket.renew([MISSING], 1000);
  assert.ok(errno === ERRNO.ENOENT || errno === ERRNO.EPERM, `errno ${errno}`);
  assert.ok([0, ERRNO.EPERM].includes(socket.delete([MISSING])));
  assert.equal(socket.expiresInMs(MISSING), undefined);
  const many = new Array(20).fill(MISSING);
  assert.equal(socket.renew(many, 1000), errno, 'a batch larger than usual');
  socket.close();
});

test('a socket for changes has none at first', () => {
  const socket = NfnetlinkSocket.listen(requireLibc());
  assert.ok(Array.isArray(socket.changes()));
  socket.close();
});

test('a table of iptables-legacy that cannot be asked has no fingerprint', () => {
  const tables = new LegacyTables(requireLibc());
  assert.equal(tables.fingerprint(4, 'no such table'), undefined);
  assert.equal(tables.fingerprint(6, 'no such table'), undefined);
  tables.close();
});
