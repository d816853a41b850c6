/**
 * The commands that change rules: `nft`, `iptables` and their kin, run with a deadline, their complaints made into failures.
 * A held lock is tried again soon, with jitter and a bound, because the next look may be a minute away.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { HostFailure } from './failure.ts';

export type CommandOutcome =
  | { readonly ok: true; readonly stdout: string }
  | { readonly ok: false; readonly failure: HostFailure };

/** Runs a command with an input; never rejects. */
export type Run = (
  binary: string,
  args: readonly string[],
  input?: string,
) => Promise<CommandOutcome>;

/** Beyond the 5 s that iptables waits for its lock. */
const TIMEOUT_MS = 10_000;
/** The rules of 10,000 services are some 20 MB of text. */
const OUTPUT_SIZE_MAX = 64 * 1024 * 1024;
/** Containers start programs with the shortest of paths. */
const PATH = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/local/bin', '/usr/bin', '/bin'];
const LOCK_ATTEMPTS_MAX = 4;
/** iptables itself waits for its lock as long; nft and iptables-nft come back at once when another commits. */
const LOCK_RETRY_MS = 5000;
const LOCK_PAUSE_MS = 50;
/** The longest line of a complaint that is worth logging. */
const DETAIL_LENGTH_MAX = 300;

export const runCommand: Run = (binary, args, input = '') => {
  const { env } = process;
  const path = [env['PATH'], ...PATH].filter(Boolean).join(':');
  const options = {
    env: { ...env, PATH: path, LC_ALL: 'C' },
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
    maxBuffer: OUTPUT_SIZE_MAX,
  } as const;
  return new Promise((resolve) => {
    const child = execFile(binary, args, options, (error, stdout, stderr) => {
      if (error === null) resolve({ ok: true, stdout });
      else resolve({ ok: false, failure: failureOf(binary, error, stderr) });
    });
    // A command that ends before it has read its input breaks the pipe; its exit code tells why.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
};

/** Runs again, soon, as long as somebody else holds the lock: at most 4 times, and not beyond 5 s. */
export function withRetries(run: Run, random: () => number = Math.random): Run {
  return async (binary, args, input) => {
    const signal = AbortSignal.timeout(LOCK_RETRY_MS);
    for (let attempt = 1; ; attempt++) {
      const outcome = await run(binary, args, input);
      const isLocked = !outcome.ok && outcome.failure.code === 'lock';
      if (!isLocked || attempt === LOCK_ATTEMPTS_MAX || signal.aborted) return outcome;
      await pause(LOCK_PAUSE_MS * attempt * (0.5 + random()));
    }
  };
}

function failureOf(
  binary: string,
  error: Error & { code?: unknown; killed?: boolean },
  stderr: string,
): HostFailure {
  if (error.code === 'ENOENT') return { code: 'missing_binary', binary };
  if (error.killed === true && typeof error.code !== 'string') {
    return { code: 'timeout', command: binary, timeoutMs: TIMEOUT_MS };
  }
  return classify(binary, stderr.trim() === '' ? error.message : stderr);
}

/** What a complaint means; the words are those of iptables 1.4 to 1.8 and nft 0.9 to 1.1. */
export function classify(binary: string, stderr: string): HostFailure {
  const detail = firstLines(stderr);
  if (/xtables lock|Resource temporarily unavailable|Device or resource busy/.test(stderr)) {
    return { code: 'lock', command: binary, detail };
  }
  if (/Operation not permitted|Permission denied|must be root/.test(stderr)) {
    return { code: 'permission', capability: missingCapability(binary), command: binary };
  }
  const table = /(?:initialize|table) [^`']*[`']?(\w+)'?: (?:Table does not exist|No such)/.exec(
    stderr,
  );
  if (table) return { code: 'kernel_part_missing', part: `table ${table[1]}`, command: binary };
  const part = /(?:Couldn't load|can't find) (match|target) [`'"]?:?(\w+)/.exec(stderr);
  if (part) {
    return { code: 'kernel_part_missing', part: `${part[1]} ${part[2]}`, command: binary };
  }
  return { code: 'command_failed', command: binary, detail };
}

function firstLines(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  const said = lines.filter((line) => line !== '' && !/^\^|^# Warning|^Try /.test(line));
  return said.slice(0, 2).join(' ').slice(0, DETAIL_LENGTH_MAX);
}

/** The bits of linux/capability.h that rules need. */
const NET_ADMIN = 12n;
const NET_RAW = 13n;

/** Which capability it was: iptables-legacy opens a raw socket, the others need NET_ADMIN alone. */
function missingCapability(binary: string): string {
  if (binary.includes('legacy') && !mayHave(NET_RAW)) return 'NET_RAW';
  if (!mayHave(NET_ADMIN)) return 'NET_ADMIN';
  return binary.includes('legacy') ? 'NET_ADMIN and NET_RAW' : 'NET_ADMIN';
}

/** Whether a program started from here can have it: root gets what the bounding set holds, others what is ambient. */
function mayHave(bit: bigint): boolean {
  const field = process.geteuid?.() === 0 ? 'CapBnd' : 'CapAmb';
  const status = readFileSync('/proc/self/status', 'utf8');
  const mask = new RegExp(`^${field}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1];
  return mask === undefined || ((BigInt(`0x${mask}`) >> bit) & 1n) === 1n;
}
