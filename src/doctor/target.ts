/**
 * What is examined: the addresses, port, interface and upstreams that the node's cache is meant to have. They come from the
 * options, else from the running daemon, else from the command line of its process, else from the stock manifest; so there is
 * something to examine when the daemon is down, which is when it is needed.
 */

import { type ConfigurationResult, readConfiguration } from '../control/configuration.ts';
import { type Flags, readCommandLine } from '../control/flags.ts';
import { canonicalAddress } from '../directives/address.ts';
import type { ServerConfig } from '../directives/server-config.ts';
import { isReverseZone } from '../directives/zone-key.ts';
import type { ProcFiles } from '../os/proc-files.ts';
import type { DaemonView } from './node-context.ts';

export interface TargetOptions {
  /** Empty: not given. */
  readonly localIps: readonly string[];
  /** Undefined: not given. */
  readonly corefilePath: string | undefined;
  readonly clusterDomain: string | undefined;
}

export interface Target {
  readonly localIps: readonly string[];
  readonly dnsPort: number;
  /** Where the addresses came from, for people. */
  readonly origin: string;
  /** Processes that look like a node cache, ours or node-cache itself. */
  readonly processes: readonly CacheProcess[];
  readonly flags: Flags;
  readonly corefilePath: string;
  readonly configuration: ConfigurationResult;
  readonly upstreams: readonly TargetUpstream[];
  /** Of the cluster, without a final dot; undefined: no server block tells. */
  readonly clusterDomain: string | undefined;
  /** False where the command line says so. */
  readonly setsUpInterface: boolean;
  readonly setsUpRules: boolean;
}

export interface CacheProcess {
  readonly pid: number;
  /** Go's node-cache, or Zerohop. */
  readonly program: 'node-cache' | 'zerohop';
  readonly args: readonly string[];
}

export interface TargetUpstream {
  readonly host: string;
  readonly port: number;
  readonly transport: 'dns' | 'tls' | 'https';
  readonly protocol: 'client' | 'force_tcp' | 'prefer_udp';
  /** Whether a block for the cluster's names asks it. */
  readonly isClusterDns: boolean;
}

/** What Kubernetes' own manifest has. */
const STOCK_ARGS = ['-localip', '169.254.20.10', '-conf', '/etc/Corefile'];

export function findTarget(proc: ProcFiles, daemon: DaemonView, options: TargetOptions): Target {
  const processes = cacheProcesses(proc);
  const found = processes.map(({ args }) => flagsOf(args)).find((flags) => flags !== undefined);
  const flags = found ?? flagsOf(STOCK_ARGS)!;
  const status = daemon.ok ? daemon.status : undefined;
  const corefilePath = options.corefilePath ?? status?.configuration.path ?? flags.corefilePath;
  const { dnsPort: defaultPort, healthPort } = flags;
  const configuration = readConfiguration({
    path: corefilePath,
    ports: { defaultPort, healthPort },
  });
  const servers = configuration.ok ? configuration.configuration.servers : [];
  const listening = status?.listeners.map(({ host }) => host).filter((host) => host !== '') ?? [];
  const known: readonly [ips: readonly string[], origin: string][] = [
    [options.localIps, 'the option --local-ip'],
    [found?.localIps ?? [], "the daemon's command line"],
    [[...new Set(listening)], 'the running daemon'],
    [flags.localIps, "Kubernetes' manifest: nothing else tells"],
  ];
  const [localIps, origin] = known.find(([ips]) => ips.length > 0)!;
  const clusterDomain = options.clusterDomain ?? clusterDomainOf(servers, daemon);
  const port = status?.listeners[0]?.port ?? servers[0]?.zones[0]?.port ?? flags.dnsPort;
  return {
    localIps,
    origin,
    dnsPort: port,
    processes,
    flags,
    corefilePath,
    configuration,
    upstreams:
      servers.length > 0
        ? upstreamsOf(servers, clusterDomain)
        : upstreamsOfStatus(daemon, clusterDomain),
    clusterDomain,
    setsUpInterface: flags.setupInterface,
    setsUpRules: flags.setupIptables && flags.interceptionBackend !== 'none',
  };
}

function flagsOf(args: readonly string[]): Flags | undefined {
  const line = readCommandLine(args);
  return line.code === 'run' ? line.flags : undefined;
}

/** Those whose command line has `-localip` behind our entry file or behind Go's program. */
function cacheProcesses(proc: ProcFiles): CacheProcess[] {
  return proc
    .names('.')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const words = (proc.text(`${pid}/cmdline`) ?? '').split('\0').slice(0, -1);
      if (!words.some((word) => /^--?localip(=|$)/.test(word))) return [];
      const entry = words.findIndex((word) => /(^|\/)main\.[jt]s$/.test(word));
      const isGo = /(^|\/)node-cache$/.test(words[0] ?? '');
      if (entry === -1 && !isGo) return [];
      const program = entry === -1 ? ('node-cache' as const) : ('zerohop' as const);
      return [{ pid: Number(pid), program, args: words.slice(entry === -1 ? 1 : entry + 1) }];
    });
}

function upstreamsOf(
  servers: readonly ServerConfig[],
  clusterDomain: string | undefined,
): TargetUpstream[] {
  const all = servers.flatMap(({ zones, forward }) =>
    forward.flatMap(({ to, protocol }) =>
      to.map(({ host, port, transport }) => {
        return { host, port, transport, protocol, isClusterDns: hasZone(zones, clusterDomain) };
      }),
    ),
  );
  return distinct(all);
}

/** Without the Corefile it is not known how they are asked. */
function upstreamsOfStatus(
  daemon: DaemonView,
  clusterDomain: string | undefined,
): TargetUpstream[] {
  if (!daemon.ok) return [];
  const all = daemon.status.blocks.flatMap(({ zones, forwards }) =>
    forwards.flatMap(({ upstreams }) =>
      upstreams.flatMap(({ to }) => {
        const [, bracketed, plain, port] = /^(?:\[(.+)\]|([^:]+)):(\d+)$/.exec(to) ?? [];
        const host = canonicalAddress(bracketed ?? plain ?? '');
        if (host === undefined) return [];
        const known = { transport: 'dns', protocol: 'client' } as const;
        return [
          { host, port: Number(port), ...known, isClusterDns: hasZone(zones, clusterDomain) },
        ];
      }),
    ),
  );
  return distinct(all);
}

function hasZone(zones: readonly { readonly zone: string }[], domain: string | undefined): boolean {
  return domain !== undefined && zones.some(({ zone }) => zone === `${domain}.`);
}

/** Each once; one that a block for the cluster asks counts as such. */
function distinct(upstreams: readonly TargetUpstream[]): TargetUpstream[] {
  const byAddress = new Map<string, TargetUpstream>();
  for (const upstream of upstreams) {
    const key = `${upstream.transport} ${upstream.host} ${upstream.port}`;
    const known = byAddress.get(key);
    if (known === undefined || (upstream.isClusterDns && !known.isClusterDns)) {
      byAddress.set(key, upstream);
    }
  }
  return [...byAddress.values()];
}

/** Kubernetes' default where a block serves it, else what starts like it, else the first zone: the rest are stub domains. */
function clusterDomainOf(servers: readonly ServerConfig[], daemon: DaemonView): string | undefined {
  const blocks = servers.length > 0 ? servers : daemon.ok ? daemon.status.blocks : [];
  const zones = blocks
    .flatMap((block) => block.zones.map(({ zone }) => zone))
    .filter((zone) => zone !== '.' && !isReverseZone(zone));
  const zone =
    zones.find((name) => name === 'cluster.local.') ??
    zones.find((name) => name.startsWith('cluster.')) ??
    zones[0];
  return zone?.replace(/\.$/, '');
}
