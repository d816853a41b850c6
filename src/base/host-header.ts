/**
 * Whether a request was meant for this machine, by its Host header (RFC 9110 §7.2). A web page in somebody's browser can have a
 * name of its own resolve to an address in here, and then read what it gets (DNS rebinding); the browser still sends that name.
 */
import { isIP } from 'node:net';
import { hostname } from 'node:os';

/** A host, in brackets where it is an IPv6 address, and perhaps a port. */
const HOST = /^(?:\[([^[\]]*)\]|([^:[\]]*))(?::\d*)?$/;
const CLUSTER_DOMAIN = 'cluster.local';

/**
 * True for an address, no host at all, this machine's name, and names that no public zone has: of one label, such as
 * `localhost`, of a service (`node-local-dns.kube-system.svc`, in whatever cluster domain), below `cluster.local`.
 */
export function isOwnHost(header: string, machineName = hostname()): boolean {
  const [, address, text] = HOST.exec(header.trim()) ?? [];
  if (address !== undefined) return isIP(address) === 6;
  if (text === undefined) return false;
  const name = text.replace(/\.$/, '').toLowerCase();
  if (isIP(name) !== 0 || name === machineName.toLowerCase()) return true;
  const labels = name.split('.');
  return (
    labels.length === 1 || labels.slice(1).includes('svc') || name.endsWith(`.${CLUSTER_DOMAIN}`)
  );
}
