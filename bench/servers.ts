/**
 * The servers under test: the echo (the yardstick), the daemon, and, when asked for, peers on the same machine. Each is
 * one process on the server core; all but the echo forward to the same upstream.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort, untilReady } from './ports.ts';
import { type Child, isInstalled, startProcess } from './processes.ts';

const REPOSITORY = resolve(import.meta.dirname, '..');
const NODE = join(REPOSITORY, 'node_modules/.bin/node');
const DAEMON_MAIN = join(REPOSITORY, 'src/main.ts');
const COMPILE_TIMEOUT_MS = 30_000;
const FIRST_LINE_TIMEOUT_MS = 10_000;

/** The daemon's name in the table. */
export const DAEMON = 'daemon';
/** Rows besides the echo and the daemon, as `--peer` names them; `loadbalance` is the daemon with a stage before its cache. */
export const PEERS = ['unbound', 'dnsmasq', 'loadbalance', 'echo-poll'] as const;
export type Peer = (typeof PEERS)[number];

export interface Server {
  readonly name: string;
  readonly port: number;
  readonly child: Child;
  /** Its answers hold the upstream's addresses, so that the load can check them. */
  readonly isForwarding: boolean;
}

/** What a server is started with. */
export interface Site {
  /** A directory that goes away after the run. */
  readonly directory: string;
  readonly core: number | undefined;
  readonly upstreamPort: number;
}

/** The daemon's command up to its flags; `--daemon` replaces it. */
export const DAEMON_COMMAND: readonly string[] = [NODE, DAEMON_MAIN];

/** Undefined where the command's program is not there. `stage`: a directive beside the usual ones. */
export async function startDaemon(
  command: readonly string[],
  site: Site,
  stage = '',
): Promise<Server | undefined> {
  if (command === DAEMON_COMMAND && !existsSync(DAEMON_MAIN)) return undefined;
  const port = await freePort();
  const directory = join(site.directory, `daemon${stage}`);
  const template = join(directory, 'base', 'Corefile.base');
  mkdirSync(join(directory, 'base'), { recursive: true });
  writeFileSync(template, corefile(port, site.upstreamPort, stage));
  const conf = join(directory, 'Corefile');
  writeFileSync(conf, corefile(port, site.upstreamPort, stage));
  const flags = [
    ...['-localip', '127.0.0.1', '-conf', conf, '-basecorefile', template],
    ...['-metrics-listen-address', `127.0.0.1:${await freePort()}`, '-control-socket='],
    ...['-setupinterface=false', '-setupiptables=false'],
  ];
  return whenReady(stage || DAEMON, startProcess([...command, ...flags], site.core), port);
}

/** As in the stock manifest, `force_tcp` included: misses go over TCP. */
function corefile(port: number, upstreamPort: number, stage: string): string {
  return `.:${port} {
    bind 127.0.0.1
    ${stage}
    cache
    forward . 127.0.0.1:${upstreamPort} {
        force_tcp
    }
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
  site: Site,
  flags: readonly string[] = [],
): Promise<Server> {
  const child = startProcess([binary, ...flags], site.core);
  const port = Number(await child.firstLine(FIRST_LINE_TIMEOUT_MS));
  return { name: ['echo', ...flags].join(' '), port, child, isForwarding: false };
}

/** Undefined where the peer is not installed. */
export async function startPeer(
  peer: Peer,
  site: Site,
  echoBinary: string | undefined,
): Promise<Server | undefined> {
  if (peer === 'loadbalance') return startDaemon(DAEMON_COMMAND, site, peer);
  if (peer === 'echo-poll') return echoBinary ? startEcho(echoBinary, site, ['--poll']) : undefined;
  if (!isInstalled(peer, peer === 'unbound' ? '-V' : '--version')) return undefined;
  const port = await freePort();
  const command = peer === 'unbound' ? unboundCommand(port, site) : dnsmasqCommand(port, site);
  return whenReady(peer, startProcess(command, site.core), port);
}

/** One thread, no validation, forwarding over TCP, a cache that holds the run's names. */
function unboundCommand(port: number, site: Site): string[] {
  const conf = join(site.directory, 'unbound.conf');
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
  directory: "${site.directory}"
  use-syslog: no
  module-config: "iterator"
  tcp-upstream: yes
  outgoing-num-tcp: 64
  msg-cache-size: 64m
  rrset-cache-size: 64m
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@${site.upstreamPort}
remote-control:
  control-enable: no
`,
  );
  return ['unbound', '-d', '-c', conf];
}

/**
 * Its misses go over UDP: it asks over TCP only for clients that came over TCP. `--dns-forward-max` stays at its default:
 * a higher one makes every hit dearer (measured: 3.0 us a hit at 150, 9.9 us at 10,000).
 */
function dnsmasqCommand(port: number, site: Site): string[] {
  return [
    ...['dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--pid-file'],
    ...[`--user=${userInfo().username}`, '--no-resolv', '--no-hosts', '--bind-interfaces'],
    ...['--listen-address=127.0.0.1', `--port=${port}`, '--cache-size=10000'],
    ...[`--server=127.0.0.1#${site.upstreamPort}`],
  ];
}

async function whenReady(name: string, child: Child, port: number): Promise<Server> {
  await untilReady(child, port);
  return { name, port, child, isForwarding: true };
}
