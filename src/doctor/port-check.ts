/** Who listens where the daemon is meant to: on the port for DNS, and on those of health and metrics. */

import { parseListenAddress } from '../base/http-endpoint.ts';
import { hostPort } from '../base/ip-address.ts';
import { type BoundSocket, boundSockets, ownersOf, type SocketOwner } from '../os/bound-sockets.ts';
import { type Check, type Finding, failed, ok, skipped, warning } from './check.ts';
import type { NodeContext } from './node-context.ts';

const WILDCARDS: readonly string[] = ['0.0.0.0', '::'];

export const PORT_CHECK: Check = {
  name: 'port',
  timeoutMs: 5000,
  run: async (node) => {
    const { localIps, dnsPort } = node.target;
    const sockets = boundSockets(node.proc).filter(({ port }) => port === dnsPort);
    const owners = new Owners(node, sockets);
    return localIps.flatMap((ip) =>
      (['udp', 'tcp'] as const).map((protocol) =>
        dnsFinding(hostPort(ip, dnsPort), protocol, at(sockets, ip, protocol), owners),
      ),
    );
  },
};

/** The ports of HTTP endpoints, when somebody else has them. */
export const ENDPOINT_CHECK: Check = {
  name: 'endpoints',
  timeoutMs: 5000,
  run: async (node) => {
    const wanted = endpointsOf(node);
    if (wanted.length === 0) return [skipped('the Corefile names no health or metrics address')];
    const ports = new Set(wanted.map(({ port }) => port));
    const sockets = boundSockets(node.proc).filter(
      ({ protocol, port }) => protocol === 'tcp' && ports.has(port),
    );
    const owners = new Owners(node, sockets);
    return wanted.map(({ name, host, port }) =>
      endpointFinding(`${name} (${hostPort(host, port)})`, at(sockets, host, 'tcp', port), owners),
    );
  },
};

/** Those that get what comes to an address: bound to it, or to all. */
function at(
  sockets: readonly BoundSocket[],
  host: string,
  protocol: 'udp' | 'tcp',
  port?: number,
): BoundSocket[] {
  const isAny = host === '' || WILDCARDS.includes(host);
  return sockets.filter(
    (socket) =>
      socket.protocol === protocol &&
      (port === undefined || socket.port === port) &&
      (isAny || socket.host === host || WILDCARDS.includes(socket.host)),
  );
}

function dnsFinding(
  address: string,
  protocol: 'udp' | 'tcp',
  sockets: readonly BoundSocket[],
  owners: Owners,
): Finding {
  const where = `${address}/${protocol}`;
  if (sockets.length === 0) {
    return failed(
      `nobody listens on ${where}`,
      'the daemon is down, or `bind` in the Corefile names other addresses: its log names each at the start',
    );
  }
  const { ours, others, names } = owners.among(sockets);
  if (others > 0 && ours === 0) {
    return failed(
      `${where} is taken by ${names}`,
      'end it, or have it listen elsewhere (systemd-resolved: DNSStubListener=no; dnsmasq: except-interface)',
    );
  }
  if (others > 0) {
    return warning(
      `${where} is shared with ${names}: the kernel deals queries out to both`,
      'end the other program, unless this is an upgrade',
    );
  }
  return ok(`${where}: ${names}`);
}

function endpointFinding(name: string, sockets: readonly BoundSocket[], owners: Owners): Finding {
  if (sockets.length === 0) {
    const advice = 'probes and scrapes fail: the log of the daemon says why it could not be opened';
    return warning(`nobody listens for ${name}`, advice);
  }
  const { others, names } = owners.among(sockets);
  if (others === 0) return ok(`${name}: ${names}`);
  const advice = 'give the daemon another port in the Corefile (and in the probe of the manifest)';
  return failed(`the port of ${name} is taken by ${names}`, advice);
}

function endpointsOf({ target }: NodeContext): { name: string; host: string; port: number }[] {
  if (!target.configuration.ok) return [];
  const found = new Map<string, { name: string; host: string; port: number }>();
  const add = (name: string, address: { host: string; port: number }) =>
    found.set(`${name} ${hostPort(address.host, address.port)}`, { name, ...address });
  for (const { health, prometheus } of target.configuration.configuration.servers) {
    if (health) add('health', health.address);
    if (prometheus) add('prometheus', prometheus.address);
  }
  const own = parseListenAddress(target.flags.metricsListenAddress);
  if (own && target.processes.length > 0) add('-metrics-listen-address', own);
  return [...found.values()];
}

/** Tells our sockets from those of others. */
class Owners {
  readonly #owners: ReadonlyMap<string, readonly SocketOwner[]>;
  readonly #ourPids: ReadonlySet<number>;

  constructor({ proc, target, daemon }: NodeContext, sockets: readonly BoundSocket[]) {
    this.#owners = ownersOf(proc, new Set(sockets.map(({ inode }) => inode)));
    const pids = target.processes.map(({ pid }) => pid);
    this.#ourPids = new Set(daemon.ok ? [...pids, daemon.status.pid] : pids);
  }

  /** A socket whose holder is not to be seen counts as ours: it is so in a pod that looks at its own node. */
  among(sockets: readonly BoundSocket[]): { ours: number; others: number; names: string } {
    let ours = 0;
    let others = 0;
    const names = new Set<string>();
    for (const { inode, userId } of sockets) {
      const holders = this.#owners.get(inode) ?? [];
      if (holders.some(({ pid }) => this.#ourPids.has(pid))) ours += 1;
      else if (holders.length > 0) others += 1;
      else names.add(`a process that is not to be seen from here (user ${userId})`);
      for (const { pid, name } of holders) names.add(`${name} (process ${pid})`);
    }
    return { ours, others, names: [...names].join(', ') };
  }
}
