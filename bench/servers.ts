/**
 * The servers under test: the echo (the yardstick), the daemon, and, when asked for, peers on the same machine. Each is
 * one process on the server core; all but the echo forward to the same upstreams.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { freePort, untilReady } from './ports.ts';
import { type Child, isInstalled, startProcess } from './processes.ts';
import { RESOLVERS, resolverCommand } from './resolvers.ts';
import type { SinkAddresses } from './sinks.ts';
import type { UpstreamZone } from './upstreams.ts';

const REPOSITORY = resolve(import.meta.dirname, '..');
const DAEMON_LAUNCHER = join(REPOSITORY, 'src/cli/node-cache');
const COMPILE_TIMEOUT_MS = 30_000;
/** As often as the page's own script. */
const LOOK_INTERVAL_MS = 2000;
const FIRST_LINE_TIMEOUT_MS = 10_000;
/** More than a workload's cached names and the fresh ones of a run. */
const CACHE_ENTRIES = 65_536;

/** The daemon's name in the table. */
export const DAEMON = 'daemon';
/** The daemon with a directive before its cache, which all its queries pass then. */
export const STAGES = ['loadbalance', 'log', 'dnstap', 'trace'] as const;
type Stage = (typeof STAGES)[number];
/** Rows besides the echo and the daemon, as `--peer` names them. */
export const PEERS = [...RESOLVERS, 'node-cache', ...STAGES, 'watched', 'echo-poll'] as const;
export type Peer = (typeof PEERS)[number];

export interface Server {
  readonly name: string;
  readonly port: number;
  readonly child: Child;
  /** Its answers hold the upstream's addresses, so that the load can check them. */
  readonly isForwarding: boolean;
  /** Where the daemon's metrics are. */
  readonly metricsPort?: number;
}

/** What a server is started with. */
export interface Site {
  /** A directory that goes away after the run. */
  readonly directory: string;
  readonly core: number | undefined;
  readonly zones: readonly UpstreamZone[];
  readonly sinks: SinkAddresses;
  /** Up to its flags: of every row that is the daemon. */
  readonly daemonCommand: readonly string[];
}

interface BlockSettings {
  /** A directive beside the usual ones. */
  readonly line: string;
  readonly cacheEntries: number;
}

/** The daemon's command up to its flags, as operators start it; `--daemon` replaces it. */
export const DAEMON_COMMAND: readonly string[] = [DAEMON_LAUNCHER];

/** Undefined where the command's program is not there. `stage`: a directive beside the usual ones. */
export async function startDaemon(
  site: Site,
  stage?: Stage,
  cacheEntries = CACHE_ENTRIES,
): Promise<Server | undefined> {
  const command = site.daemonCommand;
  if (command === DAEMON_COMMAND && !existsSync(DAEMON_LAUNCHER)) return undefined;
  const line = stage === undefined ? '' : stageLine(stage, site.sinks);
  const ours = ['-control-socket=', `-cache-memory=${cacheMemory(cacheEntries)}`];
  return startNodeCache(stage ?? DAEMON, [...command, ...ours], site, { line, cacheEntries });
}

/** The daemon while somebody looks at its status page, so that it samples who asks for what. */
async function startWatched(site: Site): Promise<Server> {
  const server = await startNodeCache('watched', [...site.daemonCommand, '-control-socket='], site);
  const look = () => fetch(`http://127.0.0.1:${server.metricsPort}/`).then((page) => page.text());
  await look();
  // It ends with the bench; a look that fails is one that the server's end has cut off.
  setInterval(() => look().catch(() => {}), LOOK_INTERVAL_MS).unref();
  return server;
}

/** Half a KiB an entry, twice what an address takes; by default as the Corefile's capacities say. */
function cacheMemory(entries: number): string {
  return entries > CACHE_ENTRIES ? `${entries >> 1}Ki` : '0';
}

/** A program with node-cache's flags and Corefile: the daemon, or node-cache itself. */
async function startNodeCache(
  name: string,
  command: readonly string[],
  site: Site,
  settings: BlockSettings = { line: '', cacheEntries: CACHE_ENTRIES },
): Promise<Server> {
  const port = await freePort();
  const metricsPort = await freePort();
  const directory = join(site.directory, name);
  const template = join(directory, 'base', 'Corefile.base');
  mkdirSync(join(directory, 'base'), { recursive: true });
  const ports = { own: port, metrics: metricsPort };
  const text = site.zones.map((zone) => serverBlock(zone, ports, settings)).join('');
  writeFileSync(template, text);
  const conf = join(directory, 'Corefile');
  writeFileSync(conf, text);
  const flags = [
    ...['-localip', '127.0.0.1', '-conf', conf, '-basecorefile', template],
    ...['-metrics-listen-address', `127.0.0.1:${await freePort()}`],
    ...['-setupinterface=false', '-setupiptables=false'],
  ];
  const child = startProcess([...command, ...flags], site.core);
  return { ...(await whenReady(name, child, port)), metricsPort };
}

/** The log goes to the pipe of standard output, which the bench drains. */
function stageLine(stage: Stage, { dnstapPath, tracePort }: SinkAddresses): string {
  if (stage === 'dnstap') return `dnstap ${dnstapPath} full`;
  if (stage === 'trace') return `trace zipkin http://127.0.0.1:${tracePort}/api/v2/spans`;
  return stage;
}

/** As in the stock manifest, `force_tcp` included: misses go over TCP. Only the cache is larger, to hold a run's names. */
function serverBlock(
  { zone, port }: UpstreamZone,
  ports: { readonly own: number; readonly metrics: number },
  { line, cacheEntries }: BlockSettings,
): string {
  return `${zone}:${ports.own} {
    bind 127.0.0.1
    errors
    ${line}
    cache {
        success ${cacheEntries}
        denial ${cacheEntries}
    }
    forward . 127.0.0.1:${port} {
        force_tcp
    }
    prometheus 127.0.0.1:${ports.metrics}
}
`;
}

/** The echo's binary, or undefined where the machine has no C compiler; throws when the source does not compile. */
export function compileEcho(directory: string): string | undefined {
  if (!isInstalled('cc')) return undefined;
  const binary = join(directory, 'echo');
  const source = join(import.meta.dirname, 'echo.c');
  const flags = ['-O2', '-pthread', '-o', binary, source];
  const compiled = spawnSync('cc', flags, { encoding: 'utf8', timeout: COMPILE_TIMEOUT_MS });
  if (compiled.status !== 0) throw new Error(`echo.c does not compile:\n${compiled.stderr}`);
  return binary;
}

export async function startEcho(
  binary: string,
  core: number | undefined,
  flags: readonly string[] = [],
): Promise<Server> {
  const child = startProcess([binary, ...flags], core);
  const port = Number(await child.firstLine(FIRST_LINE_TIMEOUT_MS));
  return { name: ['echo', ...flags].join(' '), port, child, isForwarding: false };
}

/** Undefined where the peer is not installed; of node-cache, where no binary was named. */
export async function startPeer(
  peer: Peer,
  site: Site,
  binaries: { readonly echo: string | undefined; readonly nodeCache: string | undefined },
): Promise<Server | undefined> {
  const { echo, nodeCache } = binaries;
  if (isStage(peer)) return startDaemon(site, peer);
  if (peer === 'watched') return startWatched(site);
  if (peer === 'echo-poll') return echo ? startEcho(echo, site.core, ['--poll']) : undefined;
  if (peer === 'node-cache') return nodeCache ? startNodeCache(peer, [nodeCache], site) : undefined;
  const port = await freePort();
  const command = resolverCommand(peer, port, site.directory, site.zones);
  return command && whenReady(peer, startProcess(command, site.core), port);
}

function isStage(peer: Peer): peer is Stage {
  return STAGES.some((stage) => stage === peer);
}

async function whenReady(name: string, child: Child, port: number): Promise<Server> {
  await untilReady(child, port);
  return { name, port, child, isForwarding: true };
}
