/**
 * Capabilities after the start: responders, which read whatever anybody sends, have none; the resolver keeps what a reload
 * needs. Without privileges both hold by themselves.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CAPABILITY } from '../../src/os/capabilities.ts';
import { startDaemon } from '../support/daemon.ts';
import { udpAsk } from '../support/dns-client.ts';

const RESPONDERS = 2;

/** CapEff of each thread. */
function effective(pid: number): Map<number, bigint> {
  const threads = readdirSync(`/proc/${pid}/task`).map(Number);
  return new Map(
    threads.map((thread) => {
      const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
      return [thread, BigInt(`0x${/^CapEff:\s*(\w+)$/m.exec(status)![1]}`)];
    }),
  );
}

test('responders have no capability, the resolver those that a reload needs', async (t) => {
  const daemon = await startDaemon(t, {
    corefile: ({ dns }) => `.:${dns} {\n bind 127.0.0.1\n cache\n}`,
    args: ['-responders', String(RESPONDERS)],
  });
  // A responder answers: it has started.
  await udpAsk(daemon.address, { name: 'example.org', class: 'CH' });
  const threads = effective(daemon.pid);
  const own = threads.get(daemon.pid)!;
  const kept = Object.values(CAPABILITY).reduce((mask, bit) => mask | (1n << BigInt(bit)), 0n);
  assert.equal(own & ~kept, 0n);
  const bare = [...threads.values()].filter((mask) => mask === 0n).length;
  assert.ok(bare >= RESPONDERS, `${bare} threads without capabilities`);
  t.diagnostic(`resolver ${own.toString(16)}, ${bare} of ${threads.size} threads have none`);
});

test('a reload still opens a port below 1024 where the start could', async (t) => {
  const corefile = (port: number) => `.:${port} {\n bind 127.0.0.1\n cache\n}`;
  const daemon = await startDaemon(t, { corefile: ({ dns }) => corefile(dns) });
  const canBind = (effective(daemon.pid).get(daemon.pid)! >> 10n) & 1n;
  const line = await daemon.reloadWith(corefile(1));
  assert.match(line, canBind === 1n ? /complete/ : /EACCES/);
});
