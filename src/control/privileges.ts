/**
 * Capabilities: which ones the daemon needs with its flags, which of them it lacks, and what it gives up once it serves
 * (capabilities(7)).
 */
import { readFileSync } from 'node:fs';
import type { Log } from '../base/log.ts';
import type { InterceptionKind } from '../host/interception.ts';
import { CAPABILITY, heldCapabilities, keepCapabilities } from '../os/capabilities.ts';
import { loadLibc } from '../os/libc.ts';
import type { Flags } from './flags.ts';

type Name = keyof typeof CAPABILITY;

/** Ports below this need no privilege where a node says so (ip-sysctl: ip_unprivileged_port_start). */
const PRIVILEGED_PORTS_END = 1024;

/** One line for each capability that is missing: what it is for, and how a pod gets it. */
export function warnOfMissingPrivileges(flags: Flags, log: Log): void {
  if (flags.setupInterface || flags.setupIptables) {
    warnUnlessHeld('NET_ADMIN', 'interface and rules cannot be set up', log);
  }
  if (flags.dnsPort < unprivilegedPortStart()) {
    warnUnlessHeld('NET_BIND_SERVICE', `port ${flags.dnsPort} cannot be bound`, log);
  }
}

/** Legacy iptables speaks to the kernel through a raw socket. */
export function warnOfMissingRaw(kind: InterceptionKind, log: Log): void {
  if (kind !== 'iptables-legacy') return;
  warnUnlessHeld('NET_RAW', 'legacy iptables, which this node uses, cannot be changed', log);
}

/**
 * Gives up what the running daemon needs no more. A reload may open ports below 1024 and read files of others; interface and
 * rules are maintained to the end. Responders keep nothing at all.
 */
export function dropPrivileges(flags: Flags, log: Log): void {
  const libc = loadLibc();
  if (libc instanceof Error) return;
  const { NET_ADMIN, NET_RAW, ...others } = CAPABILITY;
  const kept = Object.values(others) as (typeof CAPABILITY)[Name][];
  if (flags.setupInterface || flags.setupIptables) kept.push(NET_ADMIN);
  if (flags.setupIptables) kept.push(NET_RAW);
  try {
    keepCapabilities(libc, kept);
  } catch (error) {
    log.warn(`capabilities are kept: ${(error as Error).message}`);
  }
}

function warnUnlessHeld(name: Name, purpose: string, log: Log): void {
  const libc = loadLibc();
  if (libc instanceof Error || heldCapabilities(libc).has(CAPABILITY[name])) return;
  log.error(
    `the capability ${name} is missing, without which ${purpose} ` +
      `(securityContext: capabilities: add: [${name}])`,
  );
}

function unprivilegedPortStart(): number {
  try {
    return Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
  } catch {
    return PRIVILEGED_PORTS_END;
  }
}
