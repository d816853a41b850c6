/**
 * What the daemon says of itself at the control socket, as plain data for `zerohop` and for people: what it runs, where it
 * listens, whom it asks and how they are, what it holds and what it had to drop. Neither names that clients ask for nor
 * clients are in it.
 */
import type { ScalarFamily } from '../metrics/family.ts';
import type { ForwardSnapshot } from '../upstream/forward.ts';
import type { Configuration } from './configuration.ts';
import type { CorefileSource } from './corefile-source.ts';
import type { Daemon } from './daemon.ts';
import type { DropStatus } from './drop-status.ts';
import type { RunningBlock } from './generation.ts';
import { REVISION, VERSION } from './version.ts';

/** Fields are added; none changes its meaning or goes without a line in the change log. */
export interface Status {
  readonly program: 'zerohop';
  readonly version: string;
  readonly revision: string;
  readonly node: string;
  readonly pid: number;
  /** RFC 3339, of the machine's clock. */
  readonly startedAt: string;
  readonly uptimeS: number;
  readonly configuration: ConfigurationStatus;
  /** What is in the way of `/ready`, a line each; empty: it is ready. */
  readonly notReady: readonly string[];
  readonly network: NetworkStatus;
  readonly listeners: readonly ListenerStatus[];
  readonly blocks: readonly BlockStatus[];
  readonly udp: UdpStatus;
  readonly inFlight: InFlightStatus;
  readonly cache: CacheStatus;
  /** Since the start. */
  readonly drops: DropStatus;
}

export interface ConfigurationStatus {
  /** As given; what is served was read from it, or written to it. */
  readonly path: string;
  /** Where it was rendered from; null: it was not. */
  readonly template: string | null;
  /** What of template and ConfigMap does not take effect, a line each. */
  readonly refused: readonly string[];
  /** SHA-512 of the parsed file. */
  readonly hash: string;
}

/** Where the configuration came from. */
export type StatusSource = Pick<CorefileSource, 'path' | 'templatePath' | 'refused'>;

/** A ConfigMap may hold thousands of bad entries; nobody mends them from a list. */
const REFUSED_MAX = 100;

/** What was set up around the daemon; the rules themselves are what `zerohop doctor` looks at. */
export interface NetworkStatus {
  /** Null: the interface is not the daemon's to keep. */
  readonly interface: string | null;
  /** Null: nor is interception. */
  readonly lease: 'held' | 'out' | null;
}

/** As much of the node as is asked. */
export interface StatusNode {
  readonly vitals: { readonly readiness: { reasons(): readonly string[] } };
  readonly network: {
    readonly isLeased: boolean | undefined;
    readonly interfaceName: string | undefined;
  };
}

export interface ListenerStatus {
  /** An IP address; empty: every address. */
  readonly host: string;
  readonly port: number;
}

export interface BlockStatus {
  readonly zones: readonly { readonly zone: string; readonly port: number }[];
  /** Names, each once, in the order of the Corefile. */
  readonly directives: readonly string[];
  readonly listeners: readonly ListenerStatus[];
  /** Undefined: the block has no cache. */
  readonly cache: { readonly success: number; readonly denial: number } | undefined;
  readonly forwards: readonly (ForwardSnapshot & { readonly from: string })[];
}

export interface UdpStatus {
  readonly backend: 'mmsg' | 'dgram';
  readonly responders: number;
  readonly responderRestarts: number;
  /** Of each responder's loop since it was started: one that makes progress adds two a second at the least. */
  readonly rounds: readonly number[];
  readonly tcpConnections: number;
}

export interface InFlightStatus {
  readonly questions: number;
  readonly waiters: number;
  readonly coalesced: number;
}

export interface CacheStatus {
  readonly usedBytes: number;
  readonly budgetBytes: number;
  readonly entries: number;
}

export function statusOf(
  daemon: Daemon,
  configuration: Configuration,
  { path, templatePath, refused }: StatusSource,
  { vitals, network }: StatusNode,
): Status {
  daemon.metrics.fold();
  const { store, resolver, clients } = daemon.sources;
  const { families } = daemon.metrics;
  const { questionCount, waiterCount, coalescedCount } = resolver.inFlight;
  const uptimeS = process.uptime();
  const { listeners = [], blocks = [] } = daemon.generation ?? {};
  return {
    program: 'zerohop',
    version: VERSION,
    revision: REVISION,
    node: process.version,
    pid: process.pid,
    startedAt: new Date(Date.now() - uptimeS * 1000).toISOString(),
    uptimeS: Math.round(uptimeS),
    configuration: {
      path,
      template: templatePath ?? null,
      refused: refused.slice(0, REFUSED_MAX),
      hash: configuration.hash,
    },
    notReady: vitals.readiness.reasons(),
    network: {
      interface: network.interfaceName ?? null,
      lease: leaseText(network.isLeased),
    },
    listeners: listeners.map(listenerOf),
    blocks: blocks.map((block) => blockOf(block, daemon)),
    udp: {
      backend: clients.kind,
      responders: daemon.responderCount,
      responderRestarts: total(families.responderRestarts),
      rounds: clients.rounds,
      tcpConnections: clients.connections.open,
    },
    inFlight: { questions: questionCount, waiters: waiterCount, coalesced: coalescedCount },
    cache: {
      usedBytes: store.usedBytes,
      budgetBytes: store.capacityBytes,
      entries: store.entryCount,
    },
    drops: dropsOf(daemon),
  };
}

function leaseText(isLeased: boolean | undefined): NetworkStatus['lease'] {
  if (isLeased === undefined) return null;
  return isLeased ? 'held' : 'out';
}

export function dropsOf({ sources, metrics: { families } }: Daemon): DropStatus {
  const { store, resolver, clients } = sources;
  return {
    receiveQueue: total(families.receiveQueueDrops),
    misses: total(families.missesDropped),
    inFlightFull: resolver.inFlight.fullCount,
    inFlightUnfair: resolver.inFlight.unfairCount,
    tcpFull: clients.connections.refusedFull,
    tcpUnfair: clients.connections.refusedUnfair,
    // Of responders; the resolver's own stand at the service.
    sendFailures: families.sendFailures.cell('responder').value + clients.sendFailures,
    cacheRefused: store.refusedCount,
  };
}

function blockOf({ config, block, chain, listeners }: RunningBlock, daemon: Daemon): BlockStatus {
  const usage = config.cache && daemon.sources.store.usage(block.parts.number);
  return {
    zones: config.zones.map(({ zone, port }) => ({ zone, port })),
    directives: config.directives,
    listeners: listeners.map(listenerOf),
    cache: usage && { success: usage.successCount, denial: usage.denialCount },
    forwards: chain.forwards.map((forward) => ({
      from: forward.options.from,
      ...forward.snapshot(),
    })),
  };
}

function listenerOf({ host, port }: ListenerStatus): ListenerStatus {
  return { host, port };
}

function total(family: Pick<ScalarFamily, 'get'>): number {
  return family.get().values.reduce((sum, { value }) => sum + value, 0);
}
