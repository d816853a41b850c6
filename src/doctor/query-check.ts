/** A query to each local address, over UDP and over TCP, as a pod on this node asks. */
import { hostPort } from '../base/ip-address.ts';
import { type BoundSocket, boundSockets } from '../os/bound-sockets.ts';
import { type Check, type Finding, failed, ok, warning } from './check.ts';
import type { DnsAnswer } from './dns-query.ts';
import type { NodeContext } from './node-context.ts';

const STAND_IN_ADVICE =
  'kube-dns answers in our place (the stand-by rule, or kube-proxy), or somebody on the way does: pods are served, without the cache';

/** A pod waits 5 s; Kubernetes' own bar for the slowest in a hundred is 100 ms. */
const SLOW_MS = 100;

export const QUERY_CHECK: Check = {
  name: 'query',
  timeoutMs: 6000,
  run: async (node, signal) => {
    const { localIps, dnsPort } = node.target;
    const sockets = boundSockets(node.proc).filter(({ port }) => port === dnsPort);
    const asked = localIps.flatMap((host) =>
      (['udp', 'tcp'] as const).map(async (protocol) => {
        const question = { name: probeName(node), type: 'A', protocol } as const;
        const answer = await node.ask({ host, port: dnsPort }, question, signal);
        const finding = queryFinding(
          `${hostPort(host, dnsPort)}/${protocol}`,
          question.name,
          answer,
        );
        return finding.verdict === 'ok' && !isBound(sockets, host, protocol)
          ? warning(`${finding.text}, and nobody listens here`, STAND_IN_ADVICE)
          : finding;
      }),
    );
    return Promise.all(asked);
  },
};

function isBound(sockets: readonly BoundSocket[], host: string, protocol: 'udp' | 'tcp'): boolean {
  return sockets.some(
    (socket) => socket.protocol === protocol && [host, '0.0.0.0', '::'].includes(socket.host),
  );
}

/** A name that every cluster has; without a cluster zone the root's, whose answer every resolver knows. */
export function probeName({ target: { clusterDomain } }: NodeContext): string {
  return clusterDomain === undefined ? '.' : `kubernetes.default.svc.${clusterDomain}`;
}

function queryFinding(where: string, name: string, answer: DnsAnswer): Finding {
  if (!answer.ok) {
    return failed(
      `${where}: ${answer.reason}`,
      'see `port` and `interface` above; if both are well, a rule drops the packets: iptables-save or nft list ruleset, chain INPUT',
    );
  }
  const took = `${answer.durationMs.toFixed(1)} ms`;
  const text = `${where}: ${name} is ${answer.rcode} in ${took}`;
  switch (answer.rcode) {
    case 'NOERROR':
    case 'NXDOMAIN':
      if (answer.durationMs <= SLOW_MS) return ok(text);
      return warning(text, 'the upstream is slow (see below), or the daemon has too little CPU');
    case 'REFUSED':
      return failed(text, 'no server block serves this name: zerohop lint, rule root-zone-missing');
    default:
      return failed(text, 'it listens and gets no answer from upstream: see `upstream` below');
  }
}
