/**
 * Signals that come while the daemon starts. Node answers SIGUSR1 with a debugger on port 9229 until a program takes it, and
 * a program that starts is ended by it before it can do anything: here neither may happen, from the launcher's first
 * statement on (before that, only a parent can help; the first process of a container is spared by the kernel).
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { type Daemon, type DaemonOptions, spawnDaemon } from '../support/daemon.ts';
import { udpAsk } from '../support/dns-client.ts';
import { corefile } from './corefiles.ts';

/** Nobody answers there: no query of this file gets so far. */
const TEXT = corefile({ upstream: 9 });
/** Opcode STATUS, which a responder refuses by itself. */
const STATUS_QUERY = { name: 'example.org', flags: 2 << 11 };
const START_TIMEOUT_MS = 60_000;
/** Starts that may be over before this process, which may be stopped meanwhile, has looked. */
const TRIES_MAX = 20;
const SPREAD_MS = 250;
const AT_ONCE = 3;

/** Delays that are the same in each run (a linear congruential generator, Knuth's MMIX). */
function seededDelaysMs(count: number, seed: bigint): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = BigInt.asUintN(64, state * 6364136223846793005n + 1442695040888963407n);
    return Number((state >> 32n) % BigInt(SPREAD_MS));
  });
}

/** Runs a few at a time. */
async function each<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const work = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await run(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

/** Started by the launcher, as far as `set` (of /proc/PID/status) has SIGUSR1 in it. */
async function spawnUntil(
  t: TestContext,
  set: RegExp,
  options: Partial<DaemonOptions> = {},
): Promise<Daemon> {
  for (let tries = 1; tries <= TRIES_MAX; tries++) {
    const daemon = await spawnDaemon(t, { corefile: TEXT, byLauncher: true, ...options });
    while (!daemon.log.some((line) => line.startsWith('Zerohop-'))) {
      if (hasSigusr1(daemon.pid, set)) return daemon;
      await setTimeout(1);
    }
    await daemon.kill();
  }
  return assert.fail('no start was seen in which the signal is held back');
}

const IGNORED_OR_BLOCKED = /^Sig(?:Ign|Blk):\s+([0-9a-f]+)$/gm;
const BLOCKED = /^SigBlk:\s+([0-9a-f]+)$/gm;

function hasSigusr1(pid: number, set: RegExp): boolean {
  const bit = 1n << BigInt(constants.signals.SIGUSR1 - 1);
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return [...status.matchAll(set)].some(([, mask]) => (BigInt(`0x${mask}`) & bit) !== 0n);
}

/** What a descriptor is open on; undefined where it was closed since it was listed. */
function openFile(pid: number, fd: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`);
  } catch {
    return undefined;
  }
}

/** The ports of TCP sockets that the process listens on. */
function listeningPorts(pid: number): number[] {
  const own = new Set(readdirSync(`/proc/${pid}/fd`).map((fd) => openFile(pid, fd)));
  const LISTEN = '0A';
  return ['tcp', 'tcp6'].flatMap((file) =>
    readFileSync(`/proc/net/${file}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === LISTEN && own.has(`socket:[${fields[9]}]`))
      .map((fields) => Number.parseInt(fields[1]!.split(':')[1]!, 16)),
  );
}

function assertNoDebugger(daemon: Daemon): void {
  assert.deepEqual(
    daemon.log.filter((line) => /debugger|inspector/i.test(line)),
    [],
  );
  const { dns, metrics } = daemon.ports;
  assert.deepEqual(listeningPorts(daemon.pid).sort(), [dns, metrics].sort());
}

test('SIGUSR1 at any moment of the start: it lives, opens no debugger, and reloads later', async (t) => {
  await each(seededDelaysMs(20, 1n), async (delayMs) => {
    const daemon = await spawnUntil(t, IGNORED_OR_BLOCKED);
    await setTimeout(delayMs);
    daemon.signal('SIGUSR1');
    await daemon.waitForLog(/^Zerohop-/, START_TIMEOUT_MS);
    assert.match(await daemon.reloadWith(TEXT), /complete/);
    assertNoDebugger(daemon);
    assert.equal((await udpAsk(daemon.address, STATUS_QUERY)).rcode, 'NOTIMP');
    await daemon.kill();
  });
});

for (const backend of ['mmsg', 'dgram'] as const) {
  test(`SIGUSR1 while Node starts is a reload once it serves (${backend})`, async (t) => {
    const args = ['-udp-backend', backend];
    const daemon = await spawnUntil(t, BLOCKED, { args });
    daemon.signal('SIGUSR1');
    await daemon.waitForLog(/Reloading complete/, START_TIMEOUT_MS);
    assertNoDebugger(daemon);
    assert.equal(await daemon.stop(), 0);
  });
}

test('without koffi SIGUSR1 stays blocked, which is logged, and ends nothing', async (t) => {
  const daemon = await spawnUntil(t, BLOCKED, { backend: 'dgram' });
  daemon.signal('SIGUSR1');
  await daemon.waitForLog(/SIGUSR1 stays blocked, since koffi cannot load/, START_TIMEOUT_MS);
  assertNoDebugger(daemon);
  assert.equal(await daemon.stop(), 0);
});

test('SIGTERM at any moment of the start ends it', async (t) => {
  await each(seededDelaysMs(9, 2n), async (delayMs) => {
    const daemon = await spawnUntil(t, IGNORED_OR_BLOCKED);
    await setTimeout(delayMs);
    const status = await daemon.stop();
    assert(status === 0 || status === 'SIGTERM', `ended with ${status}`);
    assert(!daemon.log.some((line) => /^\s+at /.test(line)), daemon.log.join('\n'));
  });
});
