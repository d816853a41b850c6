/** A node made of facts: a /proc of files, a daemon that says what the test says, servers that answer as told. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Status } from '../../src/control/status.ts';
import type { Check, Finding } from '../../src/doctor/check.ts';
import type { DnsAnswer } from '../../src/doctor/dns-query.ts';
import type { DaemonView, NodeContext } from '../../src/doctor/node-context.ts';
import { findTarget, type TargetOptions } from '../../src/doctor/target.ts';
import type { InterceptionFacts } from '../../src/host/interception.ts';
import { ProcFiles } from '../../src/os/proc-files.ts';
import { type CleanUp, temporaryDirectory } from '../support/temporary-directory.ts';

export const NO_DAEMON: DaemonView = { ok: false, reason: 'there is no such file' };

export const STATUS: Status = {
  program: 'zerohop',
  version: '1.2.3',
  revision: 'abc',
  node: 'v26',
  pid: 7,
  startedAt: '2026-01-01T00:00:00.000Z',
  uptimeS: 7200,
  configuration: { path: '/no/such/Corefile', template: null, refused: [], hash: 'abc' },
  notReady: [],
  network: { interface: 'nodelocaldns', lease: 'held' },
  listeners: [{ host: '169.254.20.10', port: 53 }],
  blocks: [
    {
      zones: [{ zone: 'cluster.local.', port: 53 }],
      directives: ['forward'],
      listeners: [],
      cache: undefined,
      forwards: [
        {
          from: '.',
          exchanges: 0,
          upstreams: [
            {
              to: '10.96.0.11:53',
              healthy: true,
              fails: 0,
              connections: 1,
              udpSockets: 0,
              outstanding: 0,
              queued: 0,
              meanMs: 1,
              p95Ms: 2,
              queryLimit: undefined,
            },
          ],
        },
      ],
    },
  ],
  udp: { backend: 'mmsg', responders: 1, responderRestarts: 0, rounds: [2], tcpConnections: 0 },
  inFlight: { questions: 0, waiters: 0, coalesced: 0 },
  cache: { usedBytes: 0, budgetBytes: 1, entries: 0 },
  drops: {
    receiveQueue: 0,
    misses: 0,
    inFlightFull: 0,
    inFlightUnfair: 0,
    tcpFull: 0,
    tcpUnfair: 0,
    sendFailures: 0,
    cacheRefused: 0,
  },
};

export function running(status: Partial<Status> = {}): DaemonView {
  return { ok: true, status: { ...STATUS, ...status } };
}

/** Files by path; one whose text starts with `->` is a symbolic link. */
export function fakeProc(test: CleanUp, files: Readonly<Record<string, string>> = {}): ProcFiles {
  const root = temporaryDirectory(test);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    if (text.startsWith('->')) symlinkSync(text.slice(2), join(root, path));
    else writeFileSync(join(root, path), text);
  }
  return new ProcFiles(root);
}

export interface FakeOptions extends Partial<NodeContext> {
  readonly files?: Readonly<Record<string, string>>;
  readonly options?: Partial<TargetOptions>;
  /** By `HOST:PORT/PROTOCOL`; others do not answer. */
  readonly answers?: Readonly<Record<string, DnsAnswer>>;
}

export function answer(rcode: string, data: readonly string[] = [], durationMs = 1): DnsAnswer {
  return { ok: true, rcode, data, durationMs };
}

export const SILENCE: DnsAnswer = { ok: false, reason: 'no answer within 2 s' };

export const NO_RULES: InterceptionFacts = {
  kind: 'none',
  reason: 'backend none',
  hasLease: false,
  losses: [],
  addresses: [],
  fallback: [],
  failures: [],
};

export function fakeNode(test: CleanUp, fake: FakeOptions = {}): NodeContext {
  const proc = fake.proc ?? fakeProc(test, fake.files);
  const daemon = fake.daemon ?? NO_DAEMON;
  const options = {
    localIps: [],
    corefilePath: undefined,
    clusterDomain: undefined,
    ...fake.options,
  };
  return {
    proc,
    daemon,
    target: findTarget(proc, daemon, options),
    pod: undefined,
    ask: async ({ host, port }, { protocol }) =>
      fake.answers?.[`${host}:${port}/${protocol}`] ?? SILENCE,
    links: () => new Error('no netlink'),
    interception: async () => NO_RULES,
    driverStatistics: () => new Error('no driver'),
    pause: async () => {},
    ...fake,
  };
}

/** Verdicts and texts, a line each. */
export async function examine(check: Check, node: NodeContext): Promise<string> {
  const findings = await check.run(node, new AbortController().signal);
  return findings.map(({ verdict, text }: Finding) => `${verdict}: ${text}`).join('\n');
}

/** A row of /proc/net/udp or tcp; `address` as hexadecimal digits in the machine's order. */
export function socketRow(
  address: string,
  port: number,
  inode: number,
  { state = '07', drops = 0 }: { state?: string; drops?: number } = {},
): string {
  const local = `${address}:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return `  1: ${local} 00000000:0000 ${state} 00000000:00000010 00:00000000 00000000     0        0 ${inode} 2 0000000000000000 ${drops}`;
}

/** 169.254.20.10. */
export const LOCAL_HEX = '0A14FEA9';
const HEADING =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';

export function socketTable(...rows: readonly string[]): string {
  return `${[HEADING, ...rows].join('\n')}\n`;
}

/** A process of ours, with these sockets. */
export function daemonProcess(pid: number, args: readonly string[], inodes: readonly number[]) {
  const files: Record<string, string> = {
    [`${pid}/cmdline`]: `${['/node', '/app/src/main.ts', ...args].join('\0')}\0`,
    [`${pid}/comm`]: 'node\n',
  };
  for (const [index, inode] of inodes.entries())
    files[`${pid}/fd/${index}`] = `->socket:[${inode}]`;
  return files;
}
