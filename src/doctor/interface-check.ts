/** Whether the interface is up and the local addresses are on this node. */

import type { ProcFiles } from '../os/proc-files.ts';
import { type Check, type Finding, failed, ok, skipped, warning } from './check.ts';
import type { NodeLinks } from './node-links.ts';
import type { Target } from './target.ts';

export const INTERFACE_CHECK: Check = {
  name: 'interface',
  timeoutMs: 5000,
  run: async ({ target, links, proc }) => {
    const found = links();
    if (found instanceof Error) return [skipped(`netlink cannot be had: ${found.message}`)];
    return [
      ...linkFindings(target, found),
      ...target.localIps.map((ip) => addressFinding(ip, target, found, proc)),
    ];
  },
};

function linkFindings({ flags, setsUpInterface }: Target, { link }: NodeLinks): Finding[] {
  const name = flags.interfaceName;
  if (!setsUpInterface)
    return [skipped(`no interface of our own is wanted (-setupinterface=false)`)];
  if (link === undefined) {
    return [
      warning(
        `there is no interface ${name}`,
        'the daemon makes it where the kernel has the kind `dummy`, and else puts the addresses on lo: ' +
          'fine if they are found below',
      ),
    ];
  }
  if (!link.isUp) {
    return [
      warning(
        `interface ${name} is down: IPv6 addresses on it do not work`,
        'the running daemon sets it up again within a second; without one: ip link set ' +
          `${name} up`,
      ),
    ];
  }
  return [ok(`interface ${name} is up`)];
}

function addressFinding(
  ip: string,
  { origin, flags }: Target,
  { link, addresses }: NodeLinks,
  proc: ProcFiles,
): Finding {
  const found = addresses.filter(({ address }) => address === ip);
  if (found.length === 0) {
    return failed(
      `no interface has the address ${ip} (of ${origin})`,
      'the daemon adds it at its start and puts it back; its log says why it cannot (the container needs the capability NET_ADMIN ' +
        'and the network of the host)',
    );
  }
  const isOwn = link !== undefined && found.some(({ index }) => index === link.index);
  return ok(`${ip} is on ${isOwn ? flags.interfaceName : linkName(proc, found[0]!.index)}`);
}

/** /proc/net/igmp names every interface that is up: `INDEX NAME : ...`. */
function linkName(proc: ProcFiles, index: number): string {
  const row = proc.rows('net/igmp').find((line) => line.startsWith(`${index}\t`));
  return row?.split(/\s+/)[1] ?? `interface number ${index}`;
}
