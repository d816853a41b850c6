/**
 * What one renewal of the lease costs, in each of the ways that it could be done, in a network namespace of its own (root):
 *
 *     unshare --net node_modules/.bin/node bench/lease.ts
 *
 * CPU time of this process and of what it starts, for the two addresses of a node; and what the daemon's idle second costs.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '../src/base/clock.ts';
import { chooseInterception } from '../src/host/choice.ts';
import { runCommand } from '../src/host/command.ts';
import type { InterceptionBackend } from '../src/host/interception.ts';
import { NftLease } from '../src/host/nft-lease.ts';
import { renewText } from '../src/host/nft-text.ts';
import { loadLibc } from '../src/os/libc.ts';

const ADDRESSES = ['169.254.20.10', '10.96.0.10'];
const OPTIONS = {
  addresses: ADDRESSES,
  standByAddresses: ADDRESSES.slice(0, 1),
  dnsPort: 53,
  healthPort: 8080,
};

/** Microseconds of CPU time so far: ours, and of children that have ended. */
function cpuUs(): { own: number; children: number } {
  const { user, system } = process.cpuUsage();
  const fields = readFileSync('/proc/self/stat', 'latin1').split(') ')[1]!.split(' ');
  const ticks = Number(fields[13]) + Number(fields[14]);
  return { own: user + system, children: ticks * 10_000 };
}

async function measure(name: string, count: number, renew: () => Promise<unknown>): Promise<void> {
  await renew();
  const before = cpuUs();
  for (let round = 0; round < count; round++) await renew();
  const after = cpuUs();
  const own = (after.own - before.own) / count;
  const children = (after.children - before.children) / count;
  console.log(
    `${name.padEnd(44)} ${own.toFixed(0).padStart(6)} ${children.toFixed(0).padStart(6)}`,
  );
}

async function startLeased(backend: InterceptionBackend) {
  const interception = await chooseInterception({ ...OPTIONS, backend });
  const failures = await interception.install();
  if (failures.length > 0) throw new Error(JSON.stringify(failures));
  return interception;
}

/** `nft -i` kept open: its own CPU time is not that of an ended child. */
async function measureOpenNft(count: number): Promise<void> {
  const child = spawn('nft', ['-i'], { stdio: ['pipe', 'ignore', 'ignore'] });
  await pause(200);
  const usedUs = () =>
    Number(readFileSync(`/proc/${child.pid}/schedstat`, 'latin1').split(' ')[0]) / 1000;
  const before = usedUs();
  const own = cpuUs().own;
  const line = `${renewText(ADDRESSES, 3).trim().replaceAll('\n', '; ')}\n`;
  for (let round = 0; round < count; round++) {
    child.stdin.write(line);
    await pause(20);
  }
  const ownUs = (cpuUs().own - own) / count;
  const childUs = (usedUs() - before) / count;
  console.log(
    `${'nft -i, kept open'.padEnd(44)} ${ownUs.toFixed(0).padStart(6)} ${childUs.toFixed(0).padStart(6)}`,
  );
  child.kill();
  await once(child, 'exit');
}

/** Thirty seconds as the daemon has them when nothing happens: a renewal each, and changes listened to. */
async function measureIdle(backend: InterceptionBackend): Promise<void> {
  const interception = await startLeased(backend);
  const stop = interception.watch(() => {});
  await pause(1000);
  const before = cpuUs();
  const timer = setInterval(() => void interception.renew(), 1000);
  await pause(30_000);
  clearInterval(timer);
  const after = cpuUs();
  const perSecond = (after.own + after.children - before.own - before.children) / 30;
  console.log(
    `${`idle with ${interception.kind}, a second`.padEnd(44)} ${perSecond.toFixed(0).padStart(6)}`,
  );
  stop();
  await interception.withdraw();
  await interception.remove();
}

console.log(`${'CPU time in microseconds'.padEnd(44)} ${'own'.padStart(6)} ${'child'.padStart(6)}`);
const nft = await startLeased('nft');
await measure('nft: netlink', 2000, () => nft.renew());
const byCommand = new NftLease(ADDRESSES, {
  libc: new Error('none'),
  run: runCommand,
  clock: systemClock,
});
await measure('nft: a command each', 50, () => byCommand.renew(true));
await measureOpenNft(100);
await measure('nft: a look that finds all well', 50, () => nft.ensure());
await nft.remove();
execFileSync('nft', ['flush', 'ruleset']);
const iptables = await startLeased('iptables');
await measure(`${iptables.kind}: a write for each address`, 5000, () => iptables.renew());
await measure(`${iptables.kind}: a look that finds all well`, 20, () => iptables.ensure());
await iptables.remove();
if (!(loadLibc() instanceof Error)) {
  await measureIdle('nft');
  await measureIdle('iptables');
}
