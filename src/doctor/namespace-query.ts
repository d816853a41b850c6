/**
 * A question asked from inside another network namespace, in a process of its own: a namespace belongs to a thread, and this
 * program's others would have to be let out of it again. Needs CAP_SYS_ADMIN (setns(2)), which root of a node has.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { DnsAnswer, DnsQuestion, DnsServer } from './dns-query.ts';

const ENTRY = join(
  import.meta.dirname,
  `namespace-process${import.meta.filename.endsWith('.ts') ? '.ts' : '.js'}`,
);
const OUTPUT_MAX_OCTETS = 1024 * 1024;

/** Never rejects. */
export async function askFromNamespace(
  netnsPath: string,
  server: DnsServer,
  question: DnsQuestion,
  signal: AbortSignal,
): Promise<DnsAnswer> {
  try {
    const args = [ENTRY, netnsPath, JSON.stringify(server), JSON.stringify(question)];
    const options = { signal, maxBuffer: OUTPUT_MAX_OCTETS };
    const { stdout } = await promisify(execFile)(process.execPath, args, options);
    return JSON.parse(stdout) as DnsAnswer;
  } catch (error) {
    return { ok: false, reason: (error as Error).message.split('\n')[0]! };
  }
}
