/**
 * The command line: node-cache's own flags, those of the CoreDNS inside it, and a few of ours. Names, defaults, wording and
 * exit codes are node-cache's, with these differences: addresses of both families may stand side by side, `-syncinterval`
 * takes plain seconds and real durations, `-corefile` counts where there is no `-conf`, and `-version` and `-plugins` need
 * no `-localip`.
 */

import { canonicalAddress, portOf } from '../directives/address.ts';
import { durationMs } from '../directives/duration.ts';
import type { InterceptionBackend } from '../host/interception.ts';
import {
  booleanFlag,
  choiceFlag,
  type FlagValues,
  flagsUsage,
  numberFlag,
  parseFlags,
  quoted,
  stringFlag,
} from './flag-set.ts';

export interface Flags {
  /** Addresses to serve at, in their one spelling; never empty. */
  readonly localIps: readonly string[];
  readonly dnsPort: number;
  readonly setupInterface: boolean;
  readonly interfaceName: string;
  readonly setupIptables: boolean;
  readonly skipTeardown: boolean;
  readonly syncIntervalMs: number;
  /** Of the two interception rules for health checks, and of a `health` that names no address. */
  readonly healthPort: number;
  /** `HOST:PORT`, not checked: node-cache goes on without that endpoint where it is wrong. */
  readonly metricsListenAddress: string;
  /** Replaces `__PROMETHEUS__ENDPOINT__` in the template, as it is. */
  readonly prometheusListenAddress: string;
  /** The template. */
  readonly baseCorefilePath: string;
  /** What the template becomes, and what is served: `-conf`, else `-corefile`. */
  readonly corefilePath: string;
  /** Where the kube-dns ConfigMap is mounted; empty: where it is by custom, if it is there. */
  readonly kubeDnsConfigMapPath: string;
  /** The Service whose address the environment gives. */
  readonly upstreamService: string;
  /** Instead of the Service's address; empty: not given. */
  readonly upstreamIps: readonly string[];
  /** After writing the Corefile, the order to reload it at once. */
  readonly reloadWithSignal: boolean;
  /** Empty: none. */
  readonly pidfilePath: string;
  readonly quiet: boolean;
  readonly responderCount: number;
  readonly udpBackend: (typeof UDP_BACKENDS)[number];
  /** Of cache memory; 0: sized from the Corefile. */
  readonly cacheBytes: number;
  readonly logFormat: (typeof LOG_FORMATS)[number];
  /** From where on an answer is told of in the log; 0: none is. */
  readonly slowQueryMs: number;
  /** The status page shows names and clients to everybody. */
  readonly statusNames: boolean;
  /** Empty: none. */
  readonly controlSocketPath: string;
  readonly interceptionBackend: InterceptionBackend;
  /** The headless Service of kube-dns's pods, absolute or below the cluster's domain; empty: none. */
  readonly fallbackService: string;
  /** How old an upstream's last answer may be for `/ready`; 0: that is not asked. */
  readonly readyUpstreamMs: number;
  /** Of the end, but for lame duck. */
  readonly endBudgetMs: number;
}

export type CommandLine =
  | { readonly code: 'run'; readonly flags: Flags }
  | { readonly code: 'version' }
  | { readonly code: 'plugins' }
  /** For stderr; help was asked for (0), or the arguments make no sense (2). */
  | { readonly code: 'usage'; readonly text: string; readonly exitCode: 0 | 2 }
  | { readonly code: 'fatal'; readonly message: string; readonly exitCode: 1 };

/** Where `zerohop` looks for the daemon. */
export const CONTROL_SOCKET_PATH = '/run/zerohop/control.sock';

const UDP_BACKENDS = ['auto', 'mmsg', 'dgram'] as const;
const INTERCEPTION_BACKENDS = ['auto', 'iptables', 'nft', 'none'] as const;
const LOG_FORMATS = ['text', 'json'] as const;

/** Each has a thread of some 8 MB, and a set of sockets; more than this is a mistake on any node. */
const RESPONDERS_MAX = 64;
/** Ten million entries, more than the names that any node asks for. */
const CACHE_BYTES_MAX = 2 ** 32;
/** The longest that a Node timer can be set to, 24.8 days. */
const TIMER_MAX_MS = 2 ** 31 - 1;
const SIZE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
};

const DNS_PORT = stringFlag('53', 'Default port');

const SPECS = {
  localip: stringFlag('', 'comma-separated string of ip addresses to bind dnscache to'),
  setupinterface: booleanFlag(true, 'indicates whether network interface should be setup'),
  interfacename: stringFlag('nodelocaldns', 'name of the interface to be created'),
  setupiptables: booleanFlag(true, 'indicates whether iptables rules should be setup'),
  skipteardown: booleanFlag(false, 'indicates whether interface and rules stay on exit'),
  syncinterval: numberFlag(
    'duration',
    '60s',
    'interval to check for iptables rules; a plain number is seconds',
    readIntervalMs,
    { min: 1000, max: TIMER_MAX_MS },
  ),
  'metrics-listen-address': stringFlag('0.0.0.0:9353', 'address to serve metrics on'),
  'prometheus-listen-address': stringFlag(':9253', 'address to serve Prometheus metrics on'),
  basecorefile: stringFlag('/etc/coredns/Corefile.base', 'Path to the template Corefile'),
  corefile: stringFlag('/etc/Corefile', 'Path to the Corefile to be used without -conf'),
  kubednscm: stringFlag('', 'Path where the kube-dns configmap will be mounted'),
  upstreamsvc: stringFlag('kube-dns', 'Service name whose cluster IP is upstream'),
  'upstream-ip': stringFlag(
    '',
    'comma-separated addresses of kube-dns, instead of those of -upstreamsvc',
  ),
  'health-port': stringFlag('8080', 'port used by health plugin'),
  reloadwithsignal: booleanFlag(false, 'reload as soon as the Corefile is written'),
  conf: stringFlag('', 'Corefile to load'),
  plugins: booleanFlag(false, 'List installed plugins'),
  pidfile: stringFlag('', 'Path to write pid file'),
  version: booleanFlag(false, 'Show version'),
  quiet: booleanFlag(false, 'Quiet mode (no initialization output)'),
  'dns.port': DNS_PORT,
  p: { ...DNS_PORT, aliasOf: 'dns.port' },
  responders: numberFlag('int', '1', 'threads that answer from the cache', readCount, {
    min: 1,
    max: RESPONDERS_MAX,
  }),
  'udp-backend': choiceFlag(UDP_BACKENDS, 'auto', 'how clients are served: auto, mmsg or dgram'),
  'cache-memory': numberFlag(
    'bytes',
    '0',
    'size of the cache, such as 64Mi; 0: from the Corefile',
    readBytes,
    { min: 0, max: CACHE_BYTES_MAX },
  ),
  'log-format': choiceFlag(LOG_FORMATS, 'text', 'text or json'),
  'slow-query': numberFlag(
    'duration',
    '1s',
    'log answers that take longer, and outliers below that; 0s: neither',
    durationMs,
    { min: 0, max: TIMER_MAX_MS },
  ),
  'status-names': booleanFlag(false, 'status page shows names and clients, not only on loopback'),
  'control-socket': stringFlag(CONTROL_SOCKET_PATH, 'Unix socket for zerohop; empty: none'),
  interception: choiceFlag(
    INTERCEPTION_BACKENDS,
    'auto',
    'how rules are made: auto, iptables, nft or none',
  ),
  'fallback-service': stringFlag(
    'kube-dns-endpoints.kube-system.svc',
    'headless Service of kube-dns that answers in our place; empty: none',
  ),
  'ready-upstream': numberFlag(
    'duration',
    '30s',
    'not ready when no upstream has answered for so long; 0s: never',
    durationMs,
    { min: 0, max: TIMER_MAX_MS },
  ),
  'end-budget': numberFlag('duration', '5s', 'time for the end, lameduck not counted', durationMs, {
    min: 500,
    max: TIMER_MAX_MS,
  }),
};

/** Reads the arguments behind the program's name. */
export function readCommandLine(args: readonly string[]): CommandLine {
  const parsed = parseFlags(SPECS, args);
  if (parsed.code === 'help') return { code: 'usage', text: usage(), exitCode: 0 };
  if (parsed.code === 'invalid') {
    return { code: 'usage', text: `${parsed.problem}\n${usage()}`, exitCode: 2 };
  }
  const { values, rest } = parsed;
  if (rest.length > 0) return fatal(`extra command line arguments: [${rest.join(' ')}]`);
  if (values.version) return { code: 'version' };
  if (values.plugins) return { code: 'plugins' };
  return check(values);
}

function check(values: FlagValues<typeof SPECS>): CommandLine {
  const localIps: string[] = [];
  for (const text of values.localip.split(',')) {
    const address = canonicalAddress(text);
    if (address === undefined) return fatal(`invalid localip specified - ${quoted(text)}`);
    localIps.push(address);
  }
  const upstreamIps: string[] = [];
  for (const text of values['upstream-ip'] === '' ? [] : values['upstream-ip'].split(',')) {
    const address = canonicalAddress(text);
    if (address === undefined) return fatal(`invalid upstream-ip specified - ${quoted(text)}`);
    upstreamIps.push(address);
  }
  const dnsPort = portOf(values['dns.port']);
  if (dnsPort === undefined) return fatal(`invalid port specified - ${quoted(values['dns.port'])}`);
  const healthPort = portOf(values['health-port']);
  if (healthPort === undefined) {
    return fatal(`invalid healthcheck port specified - ${quoted(values['health-port'])}`);
  }
  return { code: 'run', flags: flagsOf(values, { localIps, upstreamIps, dnsPort, healthPort }) };
}

function flagsOf(
  values: FlagValues<typeof SPECS>,
  checked: Pick<Flags, 'localIps' | 'upstreamIps' | 'dnsPort' | 'healthPort'>,
): Flags {
  return {
    ...checked,
    setupInterface: values.setupinterface,
    interfaceName: values.interfacename,
    setupIptables: values.setupiptables,
    skipTeardown: values.skipteardown,
    syncIntervalMs: values.syncinterval,
    metricsListenAddress: values['metrics-listen-address'],
    prometheusListenAddress: values['prometheus-listen-address'],
    baseCorefilePath: values.basecorefile,
    corefilePath: values.conf || values.corefile,
    kubeDnsConfigMapPath: values.kubednscm,
    upstreamService: values.upstreamsvc,
    reloadWithSignal: values.reloadwithsignal,
    pidfilePath: values.pidfile,
    quiet: values.quiet,
    responderCount: values.responders,
    udpBackend: values['udp-backend'],
    cacheBytes: values['cache-memory'],
    logFormat: values['log-format'],
    slowQueryMs: values['slow-query'],
    statusNames: values['status-names'],
    controlSocketPath: values['control-socket'],
    interceptionBackend: values.interception,
    fallbackService: values['fallback-service'],
    readyUpstreamMs: values['ready-upstream'],
    endBudgetMs: values['end-budget'],
  };
}

/**
 * node-cache takes a Go duration and multiplies it by a second, so that nanoseconds are what means seconds there and any
 * larger unit means decades. Here `60ns` and `60` are 60 seconds, and `30s` is what it says.
 */
function readIntervalMs(text: string): number | undefined {
  const [, seconds] = /^(\d+)(?:ns)?$/.exec(text) ?? [];
  return seconds === undefined ? durationMs(text) : Number(seconds) * 1000;
}

function readCount(text: string): number | undefined {
  return /^-?\d+$/.test(text) ? Number(text) : undefined;
}

function readBytes(text: string): number | undefined {
  const [, count, unit = ''] = /^(\d+)([KMG]i)?$/.exec(text) ?? [];
  return count === undefined ? undefined : Number(count) * SIZE_UNITS[unit]!;
}

function fatal(message: string): CommandLine {
  return { code: 'fatal', message, exitCode: 1 };
}

function usage(): string {
  return [
    'Usage of node-cache:\n',
    'Runs Zerohop as a nodelocal DNS cache listening on the specified ip:port\n\n',
    flagsUsage(SPECS),
  ].join('');
}
