/**
 * Resolvers of Debian's packages as peers: one thread each, no validation, a cache that holds the run's names, and forwarding
 * over TCP where they can.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { isInstalled } from './processes.ts';
import type { UpstreamZone } from './upstreams.ts';

export const RESOLVERS = ['unbound', 'dnsmasq', 'knot-resolver'] as const;
export type Resolver = (typeof RESOLVERS)[number];

type Command = (port: number, directory: string, zones: readonly UpstreamZone[]) => string[];

/** The program, a flag with which it only says its version, and its command. */
const PROGRAMS: Readonly<Record<Resolver, readonly [string, string, Command]>> = {
  unbound: ['unbound', '-V', unbound],
  dnsmasq: ['dnsmasq', '--version', dnsmasq],
  'knot-resolver': ['kresd', '--version', knotResolver],
};

/** Undefined where it is not installed. Files go to `directory`. */
export function resolverCommand(
  name: Resolver,
  port: number,
  directory: string,
  zones: readonly UpstreamZone[],
): string[] | undefined {
  const [program, versionFlag, command] = PROGRAMS[name];
  return isInstalled(program, versionFlag) ? command(port, directory, zones) : undefined;
}

function unbound(port: number, directory: string, zones: readonly UpstreamZone[]): string[] {
  const conf = join(directory, 'unbound.conf');
  const forwards = zones.map(
    (zone) => `forward-zone:
  name: "${zone.zone}"
  forward-addr: 127.0.0.1@${zone.port}
`,
  );
  writeFileSync(
    conf,
    `server:
  interface: 127.0.0.1@${port}
  access-control: 127.0.0.0/8 allow
  do-ip6: no
  do-daemonize: no
  do-not-query-localhost: no
  chroot: ""
  username: ""
  pidfile: ""
  directory: "${directory}"
  use-syslog: no
  module-config: "iterator"
  tcp-upstream: yes
  outgoing-num-tcp: 64
  incoming-num-tcp: 128
  num-queries-per-thread: 4096
  msg-cache-size: 64m
  rrset-cache-size: 64m
${forwards.join('')}remote-control:
  control-enable: no
`,
  );
  return ['unbound', '-d', '-c', conf];
}

/**
 * Its misses go over UDP: it asks over TCP only for clients that came over TCP. `--dns-forward-max` stays at its default:
 * a higher one makes every hit dearer (measured: 3.0 us a hit at 150, 9.9 us at 10,000).
 */
function dnsmasq(port: number, _directory: string, zones: readonly UpstreamZone[]): string[] {
  return [
    ...['dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--pid-file'],
    ...[`--user=${userInfo().username}`, '--no-resolv', '--no-hosts', '--bind-interfaces'],
    ...['--listen-address=127.0.0.1', `--port=${port}`, '--cache-size=10000'],
    ...zones.map(
      (zone) => `--server=${zone.zone === '.' ? '' : `/${zone.zone}/`}127.0.0.1#${zone.port}`,
    ),
  ];
}

function knotResolver(port: number, directory: string, zones: readonly UpstreamZone[]): string[] {
  const runtime = join(directory, 'knot-resolver');
  mkdirSync(runtime, { recursive: true });
  const conf = join(runtime, 'kresd.conf');
  // The first rule that matches is the last one, but for flags: the root comes after the zones.
  const stubs = zones.toReversed().map(({ zone, port: upstreamPort }) => {
    const stub = `policy.STUB('127.0.0.1@${upstreamPort}')`;
    return zone === '.'
      ? `policy.add(policy.all(${stub}))`
      : `policy.add(policy.suffix(${stub}, policy.todnames({'${zone}'})))`;
  });
  writeFileSync(
    conf,
    `net.listen('127.0.0.1', ${port}, { kind = 'dns' })
cache.size = 64 * MB
trust_anchors.remove('.')
modules.unload('priming')
modules.unload('ta_update')
modules.unload('ta_signal_query')
modules.unload('ta_sentinel')
policy.add(policy.all(policy.FLAGS({'TCP'})))
${stubs.join('\n')}
`,
  );
  return ['kresd', '-n', '-c', conf, runtime];
}
