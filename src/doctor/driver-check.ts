/** What the cloud's network interface itself has dropped: AWS's ENA counts what went over an allowance. */
import { type Check, type Finding, failed, ok, skipped, warning } from './check.ts';
import type { NodeContext } from './node-context.ts';

/** A second look shows whether it goes on. */
const PAUSE_MS = 1000;

/** ENA's counters (its driver's README, "ENA metrics for EC2 instance network performance"). */
const ALLOWANCES: Readonly<Record<string, string>> = {
  linklocal_allowance_exceeded:
    'packets to the VPC resolver (and other link-local services) over 1,024 a second: cache more (cache 30, denial), ask fewer names (ndots), or over UDP',
  conntrack_allowance_exceeded:
    "packets dropped since AWS's own connection tracking was full: fewer connections, or security groups that need no tracking",
  pps_allowance_exceeded: 'packets a second over what the instance type has: a larger type',
  bw_in_allowance_exceeded: 'inbound bandwidth over what the instance type has: a larger type',
  bw_out_allowance_exceeded: 'outbound bandwidth over what the instance type has: a larger type',
};
const VIRTUAL =
  /^(lo|veth|cali|cni|docker|br-|virbr|flannel|vxlan|tun|tap|dummy|nodelocaldns|kube-|eni[0-9a-f]{11}$|lxc|cilium)/;
const INTERFACES_MAX = 32;

export const DRIVER_CHECK: Check = {
  name: 'driver',
  timeoutMs: 5000,
  run: async (node, signal) => {
    const names = interfaceNames(node);
    const read = () => new Map(names.map((name) => [name, allowances(node, name)]));
    const first = read();
    const counted = [...first].filter(([, counters]) => counters.size > 0);
    if (counted.length === 0) {
      const which = names.length === 0 ? 'there is no interface of a driver' : names.join(', ');
      return [skipped(`${which}: no allowance counters (they are AWS ENA's)`)];
    }
    if (counted.every(([, counters]) => [...counters.values()].every((value) => value === 0n))) {
      return counted.map(([name]) => ok(`${name}: nothing went over an allowance`));
    }
    await node.pause(PAUSE_MS, signal);
    const second = read();
    return counted.flatMap(([name, before]) => exceeded(name, before, second.get(name) ?? before));
  },
};

/** Those with a driver that may count. /proc/net/dev: two lines of heading, then `NAME: counters`. */
function interfaceNames({ proc }: NodeContext): string[] {
  return proc
    .rows('net/dev')
    .slice(1)
    .map((row) => row.split(':')[0]!.trim())
    .filter((name) => !VIRTUAL.test(name))
    .slice(0, INTERFACES_MAX);
}

function allowances(node: NodeContext, name: string): Map<string, bigint> {
  const statistics = node.driverStatistics(name);
  if (statistics instanceof Error) return new Map();
  return new Map([...statistics].filter(([key]) => Object.hasOwn(ALLOWANCES, key)));
}

function exceeded(
  name: string,
  before: ReadonlyMap<string, bigint>,
  now: ReadonlyMap<string, bigint>,
): Finding[] {
  return [...now].flatMap(([key, value]) => {
    if (value === 0n) return [];
    const growth = value - (before.get(key) ?? value);
    const text = `${name}: ${key} ${value} since the boot`;
    const advice = ALLOWANCES[key]!;
    return growth > 0n
      ? [failed(`${text}, ${growth} in the last second`, advice)]
      : [warning(text, advice)];
  });
}
