/** The kernel's time-outs and ranges that DNS on a node depends on. */

import type { ProcFiles } from '../os/proc-files.ts';
import { type Check, type Finding, ok, skipped, warning } from './check.ts';

interface Bound {
  readonly path: string;
  readonly name: string;
  readonly unit: string;
  readonly min: number;
  readonly problem: string;
}

const BOUNDS: readonly Bound[] = [
  {
    path: 'sys/net/netfilter/nf_conntrack_udp_timeout',
    name: 'nf_conntrack_udp_timeout',
    unit: ' s',
    // glibc asks again after 5 s on the same socket, and gives up after 10.
    min: 10,
    problem: 'a question is forgotten while its answer is still waited for',
  },
  {
    path: 'sys/net/netfilter/nf_conntrack_tcp_timeout_established',
    name: 'nf_conntrack_tcp_timeout_established',
    unit: ' s',
    // Connections to kube-dns live some minutes, with pauses.
    min: 300,
    problem:
      'connections to kube-dns are forgotten while they are open, and the next query on them waits in vain',
  },
  {
    path: 'sys/net/core/rmem_max',
    name: 'net.core.rmem_max',
    unit: ' octets',
    // The kernel's own default: 256 datagrams, 13 ms at 20,000 a second.
    min: 212_992,
    problem: 'receive queues hold less than the usual, and bursts are dropped',
  },
];

/** Random source ports are half of the protection against forged answers (RFC 5452 §4.5). */
const PORTS_MIN = 16_384;

export const TIMEOUT_CHECK: Check = {
  name: 'kernel',
  timeoutMs: 5000,
  run: async ({ proc }) => {
    const known = BOUNDS.flatMap((bound) => {
      const value = proc.number(bound.path);
      return value === undefined ? [] : [{ bound, value }];
    });
    const findings = [
      ...known
        .filter(({ bound, value }) => value < bound.min)
        .map(({ bound, value }) => {
          const { name, unit, min, problem } = bound;
          return warning(
            `${name} is ${value}${unit}: ${problem}`,
            `sysctl: at least ${min}${unit}`,
          );
        }),
      ...portFindings(proc),
    ];
    if (findings.length > 0) return findings;
    if (known.length === 0) return [skipped('none of the values is to be seen from here')];
    return [ok(known.map(({ bound, value }) => `${bound.name} ${value}${bound.unit}`).join(', '))];
  },
};

function portFindings(proc: ProcFiles): Finding[] {
  const [low, high] = (proc.text('sys/net/ipv4/ip_local_port_range') ?? '')
    .trim()
    .split(/\s+/)
    .map(Number);
  if (low === undefined || high === undefined || high - low >= PORTS_MIN) return [];
  const advice = `sysctl net.ipv4.ip_local_port_range: at least ${PORTS_MIN} ports`;
  return [warning(`only ${high - low} source ports (${low} to ${high})`, advice)];
}
