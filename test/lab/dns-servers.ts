/**
 * The servers of the lab: Unbound as a kube-dns replica (it serves `cluster.local`, caches for 30 s at most, forwards the rest
 * to the VPC's resolver, all as the stock Corefile of CoreDNS says), Unbound as that resolver, and `in-order-server.ts` as
 * the other kind of replica.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Server } from './commands.ts';
import { type Addresses, NODE_DOMAIN, VPC_RESOLVER } from './topology.ts';
import {
  CLUSTER,
  clusterRecords,
  OUTSIDE_DOMAIN,
  outsideRecords,
  UNIQUE_DOMAIN,
  type ZoneRecord,
} from './zones.ts';

/** CoreDNS's `cache 30`. */
const CACHE_TTL_MAX_S = 30;
/** Of the Unbound behind an in-order replica. */
const CLUSTER_PORT = 5300;

/** Where a server runs: the command in front of it, and a folder for its configuration. */
export interface Place {
  readonly enter: readonly string[];
  readonly folder: string;
}

/** `records`: what its zone holds beside the usual. */
export function startUnboundReplica(
  place: Place,
  addresses: Addresses,
  records: readonly ZoneRecord[] = [],
): Promise<Server> {
  return startUnbound(place, replicaLines([addresses.v4, addresses.v6], records));
}

/** A server of somebody's own, that knows these zones and nothing else. */
export function startZoneServer(
  place: Place,
  address: string,
  zones: readonly string[],
  records: readonly ZoneRecord[],
): Promise<Server> {
  const lines = [...common([address]), ...['.', ...zones].map(staticZone)];
  return startUnbound(place, [...lines, ...records.map(localData)]);
}

/** Unbound stands behind it for the cluster's names. */
export async function startInOrderReplica(place: Place, addresses: Addresses): Promise<Server> {
  await startUnbound(place, replicaLines([`127.0.0.1@${CLUSTER_PORT}`]));
  const program = [process.execPath, join(import.meta.dirname, 'in-order-server.ts')];
  const args = [VPC_RESOLVER.v4, String(CLUSTER_PORT), addresses.v4, addresses.v6];
  const server = new Server([...place.enter, ...program, ...args]);
  await server.waitForLog(/^ready/);
  return server;
}

function replicaLines(interfaces: readonly string[], more: readonly ZoneRecord[] = []): string[] {
  const records = [...clusterRecords(), ...more];
  return [
    ...common(interfaces),
    `  cache-max-ttl: ${CACHE_TTL_MAX_S}`,
    `  cache-max-negative-ttl: ${CACHE_TTL_MAX_S}`,
    ...[CLUSTER, '10.in-addr.arpa', 'd.f.ip6.arpa'].map(staticZone),
    // Unbound follows a CNAME of its own only where it is alone in a zone of this type.
    ...records.filter(({ type }) => type === 'CNAME').map(({ name }) => redirectZone(name)),
    ...records.map(localData),
    'forward-zone:',
    '  name: "."',
    `  forward-addr: ${VPC_RESOLVER.v4}`,
  ];
}

export async function startVpcResolver(place: Place): Promise<Server> {
  const lines = [
    ...common([VPC_RESOLVER.v4, VPC_RESOLVER.v6]),
    ...['.', OUTSIDE_DOMAIN, NODE_DOMAIN, '198.in-addr.arpa'].map(staticZone),
    redirectZone(UNIQUE_DOMAIN),
    ...outsideRecords().map(localData),
  ];
  return startUnbound(place, lines);
}

function common(interfaces: readonly string[]): string[] {
  return [
    'server:',
    ...interfaces.map((each) => `  interface: ${each}`),
    '  access-control: 0.0.0.0/0 allow',
    '  access-control: ::/0 allow',
    '  do-daemonize: no',
    '  use-syslog: no',
    '  logfile: ""',
    '  verbosity: 1',
    '  chroot: ""',
    '  username: ""',
    '  pidfile: ""',
    '  module-config: "iterator"',
    '  num-threads: 1',
    '  outgoing-range: 4096',
    '  num-queries-per-thread: 2048',
    '  incoming-num-tcp: 1000',
    '  tcp-idle-timeout: 30000',
    '  so-rcvbuf: 4m',
    '  qname-minimisation: no',
    '  minimal-responses: no',
    '  rrset-roundrobin: yes',
  ];
}

function staticZone(name: string): string {
  return `  local-zone: "${name}" static`;
}

function redirectZone(name: string): string {
  return `  local-zone: "${name}." redirect`;
}

function localData({ name, type, ttlS, data }: ZoneRecord): string {
  const quote = data.includes('"') ? "'" : '"';
  return `  local-data: ${quote}${name}. ${ttlS} IN ${type} ${data}${quote}`;
}

async function startUnbound({ enter, folder }: Place, lines: readonly string[]): Promise<Server> {
  const path = join(folder, `unbound-${++unboundCount}.conf`);
  writeFileSync(path, `${lines.join('\n')}\nremote-control:\n  control-enable: no\n`);
  const server = new Server([...enter, 'unbound', '-d', '-p', '-c', path]);
  await server.waitForLog(/start of service/);
  return server;
}

let unboundCount = 0;
