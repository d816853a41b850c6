/** A pod's resolv.conf: whether it leads to us, and what it costs; and the way there, asked from inside the pod. */
import { isIP } from 'node:net';
import { canonicalAddress } from '../directives/address.ts';
import { type Check, type Finding, failed, ok, skipped, warning } from './check.ts';
import type { NodeContext } from './node-context.ts';
import type { PodView } from './pod-view.ts';
import { probeName } from './query-check.ts';

interface ResolvConf {
  readonly nameservers: readonly string[];
  readonly search: readonly string[];
  readonly options: ReadonlyMap<string, string>;
}

/** MAXNS of glibc's resolv.h. */
const NAMESERVERS_MAX = 3;
/** Kubernetes' ClusterFirst has 5. */
const NDOTS_MAX = 5;
/** ClusterFirst has three and the node's own; each is a question for every short name. */
const SEARCH_MANY = 6;
const DNS_PORT = 53;

export const POD_CHECK: Check = {
  name: 'pod',
  timeoutMs: 15_000,
  run: async (node, signal) => {
    const { pod } = node;
    if (pod === undefined) {
      return [
        skipped(
          'no pod was named',
          '--pod-netns PID of one of its processes, or --resolv-conf FILE',
        ),
      ];
    }
    if (pod.resolvConf === undefined) {
      return [
        skipped(`${pod.name}: no resolv.conf was named`, 'add --resolv-conf FILE'),
        ...(await pathFindings(node, pod, node.target.localIps, signal)),
      ];
    }
    const conf = readResolvConf(pod.resolvConf);
    return [
      ...serverFindings(node, conf),
      ...costFindings(conf),
      ...(await pathFindings(node, pod, conf.nameservers, signal)),
    ];
  },
};

/** As glibc reads it: of several `search` the last counts (resolv.conf(5)). */
export function readResolvConf(text: string): ResolvConf {
  const nameservers: string[] = [];
  let search: readonly string[] = [];
  const options = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [keyword, ...words] = line.trim().split(/\s+/);
    if (keyword === 'nameserver' && words[0] !== undefined) nameservers.push(words[0]);
    if (keyword === 'search' || keyword === 'domain') search = words;
    if (keyword === 'options') {
      for (const word of words) {
        const [name = '', value = ''] = word.split(':');
        options.set(name, value);
      }
    }
  }
  return { nameservers, search, options };
}

function serverFindings({ target }: NodeContext, { nameservers }: ResolvConf): Finding[] {
  const servers = nameservers.map((text) => canonicalAddress(text.split('%')[0]!) ?? text);
  const ours = servers.filter((server) => target.localIps.includes(server));
  const [first] = servers;
  if (first === undefined) {
    return [failed('it names no server', 'dnsPolicy None without dnsConfig.nameservers?')];
  }
  const listed = servers.slice(0, NAMESERVERS_MAX).join(', ');
  if (ours.length === 0) {
    return [
      failed(
        `it asks ${listed}, and we serve ${target.localIps.join(', ')}`,
        'with kube-proxy in IPVS or nftables mode: clusterDNS of the kubelet must be our address, and pods made before keep the old one; ' +
          "in iptables mode: kube-dns's ClusterIP must be in -localip. Pods with dnsPolicy Default or their own dnsConfig ask whom they say",
      ),
    ];
  }
  if (first !== ours[0]) {
    const advice = 'clients ask in this order: put ours first';
    return [warning(`it asks ${listed}: ours is not the first`, advice)];
  }
  return [ok(`it asks ${listed}`)];
}

function costFindings({ search, options }: ResolvConf): Finding[] {
  const findings: Finding[] = [];
  const ndots = Number(options.get('ndots') ?? 1);
  if (ndots > NDOTS_MAX) {
    const advice = `ndots:${NDOTS_MAX} is what Kubernetes gives; 2 is enough for names of services`;
    findings.push(
      warning(
        `ndots:${ndots}: names with up to ${ndots - 1} dots go through the search path first`,
        advice,
      ),
    );
  }
  if (search.length > SEARCH_MANY) {
    const advice = 'shorten the search path of the node, which the kubelet adds (--resolv-conf)';
    findings.push(
      warning(
        `${search.length} search domains: a short name is up to ${2 * (search.length + 1)} questions`,
        advice,
      ),
    );
  }
  if (options.has('use-vc')) {
    findings.push(warning('use-vc: every question is a TCP connection', 'leave it out'));
  }
  return findings;
}

/** A question from inside the pod to each server that it names. */
async function pathFindings(
  node: NodeContext,
  { name, ask }: PodView,
  servers: readonly string[],
  signal: AbortSignal,
): Promise<Finding[]> {
  if (ask === undefined) return [];
  const addresses = servers.filter((server) => isIP(server) !== 0).slice(0, NAMESERVERS_MAX);
  const question = { name: probeName(node), type: 'A' } as const;
  return Promise.all(
    addresses.flatMap((host) =>
      (['udp', 'tcp'] as const).map(async (protocol): Promise<Finding> => {
        const answer = await ask({ host, port: DNS_PORT }, { ...question, protocol }, signal);
        if (answer.ok) {
          const took = `${answer.durationMs.toFixed(1)} ms`;
          return ok(`from ${name}: ${host}/${protocol} ${answer.rcode} in ${took}`);
        }
        const text = `from ${name}: ${host}/${protocol}: ${answer.reason}`;
        if (answer.reason.startsWith('cannot enter')) {
          return skipped(text, 'run it on the node itself, as root');
        }
        return failed(
          text,
          'a network policy must allow port 53 to this address, an ipBlock since it is the host: and see `rules`',
        );
      }),
    ),
  );
}
