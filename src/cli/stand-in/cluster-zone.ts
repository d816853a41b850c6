/**
 * `cluster.local` and the reverse names of its addresses, answered as CoreDNS's kubernetes plugin does with the stock
 * Corefile (`pods insecure`, `ttl 30`, `fallthrough in-addr.arpa ip6.arpa`), after the specification "Kubernetes
 * DNS-Based Service Discovery" 1.1.0. No wildcards.
 *
 * The plugin finds services for a parsed name; records are made from what is found. Its departures from RFC 8020 come
 * with that: `_tcp.web.default.svc` is NXDOMAIN though `_http._tcp.web.default.svc` exists, and so is `dns` above
 * `ns.dns`. A TXT query is NODATA for any name but `dns-version`.
 */
import { isIP, isIPv4, isIPv6 } from 'node:net';
import type { Answer } from 'dns-packet';
import { lookUpExternal } from './external-zone.ts';
import { type Question, RCODE, type Rcode } from './query.ts';
import type { Reply } from './reply.ts';
import { reverseName } from './reverse-name.ts';
import {
  CLUSTER_DOMAIN,
  KUBE_DNS_IP,
  NAMESPACES,
  SERVICES,
  type Service,
  type ServiceEndpoint,
} from './services.ts';

/** The stock Corefile's `ttl 30`. */
const SERVICE_TTL_S = 30;
/** The plugin's default `ttl`, which is short so that a new service is seen soon. */
const NEGATIVE_TTL_S = 5;
const DNS_VERSION_TTL_S = 28_800;

/** Where a name leads: an address (or the target of an ExternalName) under the name that SRV records point to. */
interface Found {
  readonly host: string;
  readonly target: string;
  /** Undefined for a pod and an ExternalName, which have no SRV records. */
  readonly port: number | undefined;
}

interface ParsedName {
  readonly namespace: string;
  readonly service: string;
  readonly endpoint: string | undefined;
  readonly port: string | undefined;
  readonly protocol: string | undefined;
}

export const CLUSTER_SOA: Answer = {
  type: 'SOA',
  name: CLUSTER_DOMAIN,
  ttl: NEGATIVE_TTL_S,
  data: {
    mname: `ns.dns.${CLUSTER_DOMAIN}`,
    rname: `hostmaster.${CLUSTER_DOMAIN}`,
    serial: 1_795_000_000,
    refresh: 7200,
    retry: 1800,
    expire: 86_400,
    minimum: NEGATIVE_TTL_S,
  },
};

/** The reply to a question under `cluster.local` or for one of its addresses; undefined where neither is the case. */
export function lookUpCluster(question: Question): Reply | undefined {
  if (question.name === CLUSTER_DOMAIN) return apex(question);
  if (question.name.endsWith(`.${CLUSTER_DOMAIN}`)) return inside(question);
  const target = question.type === 'PTR' ? ADDRESS_NAMES.get(question.name) : undefined;
  if (target === undefined) return undefined;
  return reply([{ type: 'PTR', name: question.name, ttl: SERVICE_TTL_S, data: target }]);
}

function reply(answers: Answer[], additionals: Answer[] = [], rcode: Rcode = RCODE.NOERROR): Reply {
  const authorities = answers.length === 0 ? [CLUSTER_SOA] : [];
  const flags = { authoritative: true, recursionAvailable: false };
  return { rcode, ...flags, answers, authorities, additionals };
}

function apex(question: Question): Reply {
  if (question.type === 'SOA') return reply([CLUSTER_SOA]);
  if (question.type !== 'NS') return reply([]);
  const server = `kube-dns.kube-system.svc.${CLUSTER_DOMAIN}`;
  const ns: Answer = { type: 'NS', name: CLUSTER_DOMAIN, ttl: SERVICE_TTL_S, data: server };
  return reply([ns], [address(server, KUBE_DNS_IP)]);
}

function inside(question: Question): Reply {
  const { name, type } = question;
  if (type === 'TXT') return reply(name === `dns-version.${CLUSTER_DOMAIN}` ? [VERSION] : []);
  const found = name === `ns.dns.${CLUSTER_DOMAIN}` ? [KUBE_DNS] : find(name);
  if (found === undefined) return reply([], [], RCODE.NXDOMAIN);
  switch (type) {
    case 'A':
    case 'AAAA':
      return reply(addressAnswers(question, found));
    case 'CNAME':
      return reply(found.filter(({ host }) => !isIP(host)).map(({ host }) => cname(name, host)));
    case 'SRV':
      return services(name, found);
    default:
      return reply([]);
  }
}

const VERSION: Answer = {
  type: 'TXT',
  name: `dns-version.${CLUSTER_DOMAIN}`,
  ttl: DNS_VERSION_TTL_S,
  data: '1.1.0',
};

const KUBE_DNS: Found = { host: KUBE_DNS_IP, target: `ns.dns.${CLUSTER_DOMAIN}`, port: 53 };

/** What a name below the zone stands for; empty: it exists without records; undefined: it does not exist. */
function find(name: string): Found[] | undefined {
  const labels = name.slice(0, -CLUSTER_DOMAIN.length - 1).split('.');
  const kind = labels.pop();
  if (kind !== 'svc' && kind !== 'pod') return undefined;
  const namespace = labels.pop();
  if (namespace === undefined) return [];
  if (!NAMESPACES.includes(namespace)) return undefined;
  const service = labels.pop();
  if (service === undefined) return [];
  if (kind === 'pod') return labels.length === 0 ? findPod(service, name) : undefined;
  if (labels.length > 2) return undefined;
  const [first, second] = labels;
  const isEndpoint = labels.length === 1;
  return findService({
    namespace,
    service,
    endpoint: isEndpoint ? first : undefined,
    port: isEndpoint ? undefined : first?.replace(/^_/, ''),
    protocol: isEndpoint ? undefined : second?.replace(/^_/, ''),
  });
}

/** `10-244-1-1` is an address by its form alone: that is what `pods insecure` means. */
function findPod(pod: string, target: string): Found[] | undefined {
  const isFour = pod.split('-').length === 4 && !pod.includes('--');
  const host = pod.replaceAll('-', isFour ? '.' : ':');
  return isIP(host) ? [{ host, target, port: undefined }] : undefined;
}

function findService(parsed: ParsedName): Found[] | undefined {
  const service = SERVICES.find(
    ({ namespace, name }) => namespace === parsed.namespace && name === parsed.service,
  );
  if (service === undefined) return undefined;
  const target = serviceName(service);
  if (service.externalName !== undefined) {
    const isWhole = parsed.endpoint === undefined && parsed.port === undefined;
    return isWhole ? [{ host: service.externalName, target, port: undefined }] : undefined;
  }
  const ports = service.ports.filter(
    ({ name, protocol }) =>
      parsed.port === undefined || (name === parsed.port && protocol === parsed.protocol),
  );
  const isByEndpoint = service.clusterIps.length === 0 || parsed.endpoint !== undefined;
  const hosts = isByEndpoint
    ? service.endpoints
        .filter((endpoint) => [undefined, endpointLabel(endpoint)].includes(parsed.endpoint))
        .map((endpoint) => ({ host: endpoint.address, target: endpointName(service, endpoint) }))
    : service.clusterIps.map((host) => ({ host, target }));
  const found = ports.flatMap(({ port }) => hosts.map((host) => ({ ...host, port })));
  return found.length > 0 ? found : undefined;
}

function serviceName(service: Service): string {
  return `${service.name}.${service.namespace}.svc.${CLUSTER_DOMAIN}`;
}

function endpointLabel(endpoint: ServiceEndpoint): string {
  return endpoint.hostname ?? endpoint.address.replaceAll(/[.:]/g, '-');
}

function endpointName(service: Service, endpoint: ServiceEndpoint): string {
  return `${endpointLabel(endpoint)}.${serviceName(service)}`;
}

/** Addresses of one family, each once; an ExternalName's CNAME stands before what its target has. */
function addressAnswers(question: Question, found: readonly Found[]): Answer[] {
  const [first] = found;
  if (first !== undefined && !isIP(first.host)) {
    const next: Question = { ...question, name: first.host };
    const target = lookUpCluster(next) ?? lookUpExternal(next);
    return [cname(question.name, first.host), ...target.answers];
  }
  const isWanted = question.type === 'A' ? isIPv4 : isIPv6;
  const hosts = new Set(found.map(({ host }) => host).filter(isWanted));
  return [...hosts].map((host) => address(question.name, host));
}

/** SRV records weigh 100 divided among all that was found (plugin/backend_lookup.go); their addresses come along. */
function services(name: string, found: readonly Found[]): Reply {
  const weight = Math.max(1, Math.floor(100 / found.length));
  const records = new Map<string, Answer>();
  const additionals = new Map<string, Answer>();
  for (const { host, target, port } of found) {
    if (port === undefined) continue;
    const data = { priority: 0, weight, port, target };
    records.set(`${target} ${port}`, { type: 'SRV', name, ttl: SERVICE_TTL_S, data });
    additionals.set(`${target} ${host}`, address(target, host));
  }
  return reply([...records.values()], [...additionals.values()]);
}

function cname(name: string, target: string): Answer {
  return { type: 'CNAME', name, ttl: SERVICE_TTL_S, data: target };
}

function address(name: string, host: string): Answer {
  return { type: isIPv4(host) ? 'A' : 'AAAA', name, ttl: SERVICE_TTL_S, data: host };
}

/** Reverse name to the one name it leads to; a ClusterIP's is the service, an endpoint's is the endpoint. */
const ADDRESS_NAMES: ReadonlyMap<string, string> = new Map(
  SERVICES.flatMap((service) => [
    ...service.endpoints.map(
      (endpoint) => [reverseName(endpoint.address), endpointName(service, endpoint)] as const,
    ),
    ...service.clusterIps.map((ip) => [reverseName(ip), serviceName(service)] as const),
  ]),
);
