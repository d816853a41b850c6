/** The process of namespace-query.ts: enters the namespace, asks, prints the answer as JSON. */
import { openSync } from 'node:fs';
import { SystemCallError } from '../os/errno.ts';
import { loadLibc } from '../os/libc.ts';
import { askServer, type DnsAnswer, type DnsQuestion, type DnsServer } from './dns-query.ts';

/** CLONE_NEWNET of linux/sched.h. */
const NETWORK_NAMESPACE = 0x40000000;
const TIMEOUT_MS = 5000;

async function answer([path, server, question]: readonly string[]): Promise<DnsAnswer> {
  const libc = loadLibc();
  if (libc instanceof Error) return { ok: false, reason: libc.message };
  try {
    const fd = openSync(path!, 'r');
    if (libc.setns(fd, NETWORK_NAMESPACE) < 0) throw new SystemCallError('setns', libc.errno());
  } catch (error) {
    return { ok: false, reason: `cannot enter ${path}: ${(error as Error).message}` };
  }
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  // Sockets belong to the namespace of the thread that opens them: this one.
  return askServer(JSON.parse(server!) as DnsServer, JSON.parse(question!) as DnsQuestion, signal);
}

process.stdout.write(JSON.stringify(await answer(process.argv.slice(2))));
