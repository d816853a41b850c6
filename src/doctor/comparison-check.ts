/** Whether kube-dns and we say the same about a name that every cluster has. */
import { type Check, type Finding, ok, skipped, warning } from './check.ts';
import type { DnsAnswer, DnsServer } from './dns-query.ts';
import { probeName } from './query-check.ts';

export const COMPARISON_CHECK: Check = {
  name: 'comparison',
  timeoutMs: 6000,
  run: async (node, signal) => {
    const { upstreams, clusterDomain, localIps, dnsPort } = node.target;
    const kubeDns = upstreams.find(
      ({ isClusterDns, transport }) => isClusterDns && transport === 'dns',
    );
    if (kubeDns === undefined || clusterDomain === undefined) {
      return [skipped('no server block for the cluster is known (--cluster-domain, --corefile)')];
    }
    const name = probeName(node);
    const ask = (server: DnsServer) =>
      node.ask(server, { name, type: 'A', protocol: 'tcp' }, signal);
    const [ours, theirs] = await Promise.all([
      ask({ host: localIps[0]!, port: dnsPort }),
      ask(kubeDns),
    ]);
    return [compare(name, ours, theirs)];
  },
};

function compare(name: string, ours: DnsAnswer, theirs: DnsAnswer): Finding {
  if (!ours.ok || !theirs.ok) {
    return skipped(`${name}: ${ours.ok ? 'kube-dns' : 'the daemon'} does not answer, see above`);
  }
  const [our, their] = [textOf(ours), textOf(theirs)];
  if (our === their) {
    return theirs.rcode === 'NOERROR'
      ? ok(`${name} is ${our}, as kube-dns says`)
      : warning(
          `${name} is ${our}, as kube-dns says: every cluster has this name`,
          'is the cluster domain another one? --cluster-domain, and the zone of the first server block',
        );
  }
  return warning(
    `${name}: here ${our}, at kube-dns ${their}`,
    'ours may be older by the TTL of the cache; if it lasts, the server blocks send this name elsewhere',
  );
}

function textOf(answer: DnsAnswer & { readonly ok: true }): string {
  return [answer.rcode, ...answer.data].join(' ');
}
