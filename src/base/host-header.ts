/**
 * Whether a request was meant for this machine, by its Host header (RFC 9110 §7.2). A web page in somebody's browser can have a
 * name of its own resolve to an address in here, and then read what it gets (DNS rebinding); the browser still sends that name.
 */
import { isIP } from 'node:net';
import { hostname } from 'node:os';

/** A host, in brackets where it is an IPv6 address, and perhaps a port. */
const HOST = /^(?:\[([^[\]]*)\]|([^:[\]]*))(?::\d*)?$/;
/** The domains of the cluster, without final dots; what the Corefile names as zones comes on top. */
let clusterDomains: readonly string[] = ['cluster.local'];

/** Takes the Corefile's zones, lower-case FQDNs. The whole process has one set, as the machine has one name. */
export function setClusterDomains(zones: readonly string[]): void {
  const domains = zones.map(withoutFinalDot).filter((zone) => zone !== '');
  clusterDomains = ['cluster.local', ...domains.filter((zone) => !zone.endsWith('.arpa'))];
}

/**
 * True for an address, no host at all, and names that nobody outside can have: `localhost`, this machine's name, names of one
 * label, and those of services and pods in the cluster (`node-local-dns.kube-system.svc`, `... .svc.cluster.local`). That
 * is all that Prometheus sends: the address, or the name, of its target.
 */
export function isOwnHost(header: string, machineName = hostname()): boolean {
  const [, address, text] = HOST.exec(header.trim()) ?? [];
  if (address !== undefined) return isIP(address) === 6;
  if (text === undefined) return false;
  const name = withoutFinalDot(text.toLowerCase());
  if (isIP(name) !== 0 || !name.includes('.')) return true;
  return name === machineName.toLowerCase() || isClusterName(name);
}

function isClusterName(name: string): boolean {
  const isBelow = (domain: string) =>
    name.endsWith(`.svc.${domain}`) || name.endsWith(`.pod.${domain}`);
  return name.endsWith('.svc') || clusterDomains.some(isBelow);
}

function withoutFinalDot(name: string): string {
  return name.replace(/\.$/, '');
}
