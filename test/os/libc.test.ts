/**
 * The door to the C library: addresses are stable, errors have their number, it can be shut.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { ERRNO } from '../../src/os/errno.ts';
import { OS, Pinned, requireLibc } from '../../src/os/libc.ts';
import { skipWithoutLibc } from './sockets.ts';

test('calls the C library', { skip: skipWithoutLibc }, async (t) => {
  const libc = requireLibc();

  await t.test('a failed call leaves its errno', () => {
    assert.equal(libc.close(-1), -1);
    assert.equal(libc.errno(), ERRNO.EBADF);
  });

  await t.test('the clock is the monotonic one of this process', () => {
    const time = new Pinned(libc, 16);
    assert.equal(libc.clock_gettime(OS.CLOCK_MONOTONIC, time.address), 0);
    const { buffer } = time;
    const nowNs = new BigInt64Array(buffer)[0]! * 1_000_000_000n + new BigInt64Array(buffer)[1]!;
    const elapsedNs = process.hrtime.bigint() - nowNs;
    assert.ok(elapsedNs >= 0n && elapsedNs < 60_000_000_000n);
  });

  await t.test('pointers of more than 32 bits are written whole', () => {
    const pinned = new Pinned(libc, 13);
    assert.equal(pinned.octets.length, 16, 'whole words of 64 bits');
    for (const value of [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x7fff_1234_5678]) {
      pinned.setPointer(8, value);
      assert.equal(new BigUint64Array(pinned.buffer)[1], BigInt(value));
    }
  });

  await t.test('a view is of the very memory', () => {
    const size = 8192;
    const address = libc.mmap(0, size, OS.PROT_READ_WRITE, OS.MAP_SHARED | 0x20, -1, 0);
    assert.ok(address > 0);
    const one = new Uint8Array(libc.view(address, size));
    const two = new Uint8Array(libc.view(address, size));
    one[4097] = 7;
    assert.deepEqual([two[4097], two.length], [7, size]);
    assert.equal(libc.munmap(address, size), 0);
  });
});

test('can be turned off, and says so', async () => {
  const program = `
    const { loadLibc, requireLibc } = await import('${import.meta.dirname}/../../src/os/libc.ts');
    const reason = loadLibc();
    console.log(reason instanceof Error, String(reason.cause));
    try { requireLibc(); } catch (error) { console.log(error === reason); }`;
  const env = { ...process.env, ZEROHOP_NO_KOFFI: '1' };
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '-e', program],
    { env },
  );
  assert.equal(stdout, 'true Error: koffi is turned off by ZEROHOP_NO_KOFFI=1\ntrue\n');
});
