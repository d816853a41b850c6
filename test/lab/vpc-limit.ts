/**
 * The cloud's own limit: each network interface may send the VPC's resolver so many packets a second, and what is more is dropped
 * without a word. The rules stand in the network's bridge, as the cloud's stand outside of the machine: a sender that dropped its own
 * packets would be told by its kernel (EPERM). They count too what each sends to port 53 of kube-dns pods.
 */
import { REPLICAS, VPC_RESOLVER } from './topology.ts';

/** AWS, for link-local services of one elastic network interface. */
export const VPC_PACKETS_PER_S = 1024;

const TABLE = 'vpc';
const COUNTERS = ['sent', 'dropped', 'udp', 'tcp'] as const;

/** For `nft -f`; senders are ports of the bridge. The burst is 1/16 s, 64 packets at 1024. */
export function vpcLimitRules(senders: readonly string[], packetsPerS: number): string {
  const burst = Math.max(1, Math.round(packetsPerS / 16));
  const counters = senders.flatMap((sender) =>
    COUNTERS.map((each) => `  counter ${sender}-${each} {\n  }\n`),
  );
  const chains = senders.map(
    (sender) => `  limit ${sender}-limit {
    rate over ${packetsPerS}/second burst ${burst} packets
  }
  chain ${sender}-resolver {
    limit name "${sender}-limit" counter name ${sender}-dropped drop
    counter name ${sender}-sent
  }
  chain ${sender} {
    ip daddr ${VPC_RESOLVER.v4} jump ${sender}-resolver
    ip6 daddr ${VPC_RESOLVER.v6} jump ${sender}-resolver
    ip daddr { ${REPLICAS.map(({ v4 }) => v4).join(', ')} } jump ${sender}-replica
    ip6 daddr { ${REPLICAS.map(({ v6 }) => v6).join(', ')} } jump ${sender}-replica
  }
  chain ${sender}-replica {
    meta l4proto udp counter name ${sender}-udp
    meta l4proto tcp counter name ${sender}-tcp
  }
`,
  );
  const ports = senders.map((sender) => `"${sender}" : jump ${sender}`);
  return `table bridge ${TABLE} {
${counters.join('')}${chains.join('')}  chain arriving {
    type filter hook prerouting priority 0; policy accept;
    meta l4proto { udp, tcp } th dport 53 iifname vmap { ${ports.join(', ')} }
  }
}
`;
}

/** Packets of one sender since the lab's start. */
export interface SentPackets {
  /** Toward the VPC's resolver, let through. */
  readonly sent: number;
  readonly dropped: number;
  /** Toward kube-dns pods: those of pods that ask for themselves (UDP), and those of a node's cache. */
  readonly udp: number;
  readonly tcp: number;
}

export const VPC_COUNTERS_COMMAND = ['nft', '-j', 'list', 'counters', 'table', 'bridge', TABLE];

/** From what `VPC_COUNTERS_COMMAND` prints; by sender. */
export function readVpcCounters(json: string): Map<string, SentPackets> {
  const { nftables } = JSON.parse(json) as {
    nftables: { counter?: { name: string; packets: number } }[];
  };
  const bySender = new Map<string, Record<string, number>>();
  for (const { counter } of nftables) {
    if (counter === undefined) continue;
    const [sender, kind] = counter.name.split('-') as [string, string];
    bySender.set(sender, { ...bySender.get(sender), [kind]: counter.packets });
  }
  return bySender as Map<string, unknown> as Map<string, SentPackets>;
}
