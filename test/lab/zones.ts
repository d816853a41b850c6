/**
 * What the lab's servers know: `cluster.local` as kube-dns serves it, and the names outside that the VPC's resolver gives.
 * Pure data, the same for every server, so that whoever answers, the answer is one.
 */
import { reverseName } from '../../src/cli/stand-in/reverse-name.ts';
import { KUBE_DNS, KUBE_DNS_UPSTREAM, NODE_DOMAIN, REPLICAS } from './topology.ts';

export interface ZoneRecord {
  /** Without the dot at the end. */
  readonly name: string;
  readonly type: 'A' | 'AAAA' | 'CNAME' | 'PTR' | 'SRV' | 'SOA' | 'TXT';
  readonly ttlS: number;
  /** As in a zone file, names with the dot at the end. */
  readonly data: string;
}

export const CLUSTER = 'cluster.local';
const SERVICE_TTL_S = 30;
const NEGATIVE_TTL_S = 5;
/** The SOA of a cloud's internal zone. */
const OUTSIDE_NEGATIVE_TTL_S = 60;

/** As the bench of Kubernetes has them; 5 % are asked. */
export const SERVICE_COUNT = 10_000;
export const OUTSIDE_COUNT = 1000;
/** Names below it exist, whatever they are. */
export const UNIQUE_DOMAIN = 'sessions.example.net';
/** Names below it have the most TTL that a lab's server gives. */
export const OUTSIDE_DOMAIN = 'example.com';

/** As a pod writes it: `service.namespace`. */
export function serviceName(number: number): string {
  return `svc-${String(number).padStart(4, '0')}.team-${number % 20}`;
}

/** An in-order replica answers one service of a hundred so late. */
export const SLOW_MS = 2000;

export function isSlowService(name: string): boolean {
  return /^svc-\d\d50\./.test(name);
}

export function serviceAddress(number: number): string {
  return `10.97.${number >> 8}.${number & 255}`;
}

export function outsideName(number: number): string {
  return `api-${String(number).padStart(4, '0')}.${OUTSIDE_DOMAIN}`;
}

export function outsideAddress(number: number): string {
  return `198.18.${number >> 8}.${number & 255}`;
}

/** 5 to 60 s, each as often as another. */
export function outsideTtlS(number: number): number {
  return 5 + ((number * 37) % 56);
}

/** Records of the zone `cluster.local` and of the reverse names of its services. */
export function clusterRecords(): ZoneRecord[] {
  const soa = `ns.dns.${CLUSTER}. hostmaster.${CLUSTER}. 1 7200 1800 86400 ${NEGATIVE_TTL_S}`;
  return [
    { name: CLUSTER, type: 'SOA', ttlS: NEGATIVE_TTL_S, data: soa },
    { name: `dns-version.${CLUSTER}`, type: 'TXT', ttlS: SERVICE_TTL_S, data: '"1.1.0"' },
    ...service('kubernetes', 'default', ['10.96.0.1', 'fd00:10:96::1'], 'https', 443),
    ...service('kube-dns', 'kube-system', Object.values(KUBE_DNS), 'dns-tcp', 53),
    ...service('kube-dns-upstream', 'kube-system', Object.values(KUBE_DNS_UPSTREAM), 'dns-tcp', 53),
    ...headless('kube-dns-endpoints', 'kube-system', REPLICAS.flatMap(Object.values)),
    ...service('web', 'default', ['10.96.1.1', 'fd00:10:96::1:1'], 'http', 80),
    ...headless('db', 'default', ['10.244.3.7', '10.244.2.9', 'fd00:10:244:3::7']),
    { ...address(`db-0.db.default.svc.${CLUSTER}`, '10.244.3.7') },
    { ...address('10-244-3-7.default.pod.cluster.local', '10.244.3.7') },
    cname(`mirror.default.svc.${CLUSTER}`, outsideName(1)),
    ...Array.from({ length: SERVICE_COUNT }, (_, number) =>
      address(`${serviceName(number)}.svc.${CLUSTER}`, serviceAddress(number)),
    ),
  ];
}

/** Records outside; below `UNIQUE_DOMAIN` and for what does not exist a server needs more than records. */
export function outsideRecords(): ZoneRecord[] {
  const negative = `ns.example.com. hostmaster.example.com. 1 7200 1800 86400 ${OUTSIDE_NEGATIVE_TTL_S}`;
  const soa = (name: string): ZoneRecord => {
    return { name, type: 'SOA', ttlS: OUTSIDE_NEGATIVE_TTL_S, data: negative };
  };
  return [
    soa(OUTSIDE_DOMAIN),
    soa(NODE_DOMAIN),
    ...Array.from({ length: OUTSIDE_COUNT }, (_, number) => [
      { ...address(outsideName(number), outsideAddress(number)), ttlS: outsideTtlS(number) },
      {
        ...address(outsideName(number), `2001:db8::${number.toString(16)}`),
        ttlS: outsideTtlS(number),
      },
    ]).flat(),
    ...['192.0.2.1', '2001:db8:1::1'].map((ip) => address(UNIQUE_DOMAIN, ip)),
    { name: '1.0.18.198.in-addr.arpa', type: 'PTR', ttlS: 60, data: `${outsideName(1)}.` },
  ];
}

function service(
  name: string,
  namespace: string,
  ips: readonly string[],
  port: string,
  portNumber: number,
): ZoneRecord[] {
  const full = `${name}.${namespace}.svc.${CLUSTER}`;
  const srv = `0 100 ${portNumber} ${full}.`;
  return [
    ...ips.map((ip) => address(full, ip)),
    { name: `_${port}._tcp.${full}`, type: 'SRV', ttlS: SERVICE_TTL_S, data: srv },
    ...ips.map((ip) => pointer(ip, full)),
  ];
}

function headless(name: string, namespace: string, ips: readonly string[]): ZoneRecord[] {
  return ips.map((ip) => address(`${name}.${namespace}.svc.${CLUSTER}`, ip));
}

function address(name: string, ip: string): ZoneRecord {
  return { name, type: ip.includes(':') ? 'AAAA' : 'A', ttlS: SERVICE_TTL_S, data: ip };
}

function cname(name: string, target: string): ZoneRecord {
  return { name, type: 'CNAME', ttlS: SERVICE_TTL_S, data: `${target}.` };
}

function pointer(ip: string, name: string): ZoneRecord {
  return { name: reverseName(ip), type: 'PTR', ttlS: SERVICE_TTL_S, data: `${name}.` };
}
