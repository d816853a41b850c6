/** Whether the servers that the Corefile names are reachable from here, over TCP and UDP, and how long they take. */
import { hostPort } from '../base/ip-address.ts';
import { type Check, type Finding, failed, ok, skipped, warning } from './check.ts';
import type { DnsAnswer } from './dns-query.ts';
import type { NodeContext } from './node-context.ts';
import { probeName } from './query-check.ts';
import type { TargetUpstream } from './target.ts';

/** A resolver of the same zone answers in a few; behind that every miss of every pod waits so long. */
const SLOW_MS = 200;
/** A stub domain more or less: the check must end. */
const UPSTREAMS_MAX = 32;

export const UPSTREAM_CHECK: Check = {
  name: 'upstream',
  timeoutMs: 6000,
  run: async (node, signal) => {
    const { upstreams, configuration } = node.target;
    if (upstreams.length === 0) {
      const why = configuration.ok ? 'the Corefile forwards to nobody' : 'no Corefile can be read';
      return [skipped(`no upstream is known: ${why}`)];
    }
    const findings = await Promise.all(
      upstreams.slice(0, UPSTREAMS_MAX).map((upstream) => upstreamFinding(node, upstream, signal)),
    );
    const more = upstreams.length - UPSTREAMS_MAX;
    return more > 0 ? [...findings, skipped(`${more} more upstreams`)] : findings;
  },
};

async function upstreamFinding(
  node: NodeContext,
  upstream: TargetUpstream,
  signal: AbortSignal,
): Promise<Finding> {
  const { host, port, transport, isClusterDns } = upstream;
  const where = `${hostPort(host, port)}${isClusterDns ? ' (for the cluster)' : ''}`;
  if (transport !== 'dns') return skipped(`${where}: ${transport} is not tried`);
  const name = isClusterDns ? probeName(node) : '.';
  const question = { name, type: name === '.' ? 'NS' : 'A' } as const;
  const [tcp, udp] = await Promise.all(
    (['tcp', 'udp'] as const).map((protocol) =>
      node.ask({ host, port }, { ...question, protocol }, signal),
    ),
  );
  return judge(where, upstream, { tcp: tcp!, udp: udp! });
}

type Answers = Readonly<Record<'tcp' | 'udp', DnsAnswer>>;

function judge(
  where: string,
  { protocol, isClusterDns }: TargetUpstream,
  answers: Answers,
): Finding {
  const { tcp, udp } = answers;
  const text = `${where}: TCP ${answerText(tcp)}, UDP ${answerText(udp)}`;
  if (!tcp.ok && !udp.ok) {
    return failed(
      text,
      isClusterDns
        ? 'are the pods of kube-dns running, and does the Service kube-dns-upstream have endpoints? A network policy may forbid port 53'
        : 'is the address right, and does a firewall or security group of this node allow port 53?',
    );
  }
  if (!tcp.ok) {
    const advice = 'a firewall or security group lets UDP through and not TCP: allow both';
    return protocol === 'force_tcp' ? failed(text, advice) : warning(text, advice);
  }
  if (!udp.ok) {
    const advice =
      'a firewall or security group lets TCP through and not UDP; health checks go over UDP unless force_tcp is set';
    return protocol === 'force_tcp' ? warning(text, advice) : failed(text, advice);
  }
  if (tcp.rcode === 'SERVFAIL' || udp.rcode === 'SERVFAIL') {
    return warning(text, 'it is there and fails itself: look at its own log and upstreams');
  }
  const slowest = Math.max(tcp.durationMs, udp.durationMs);
  if (slowest > SLOW_MS)
    return warning(
      text,
      'every miss of every pod waits so long: is it in another zone, or overloaded?',
    );
  return ok(text);
}

function answerText(answer: DnsAnswer): string {
  return answer.ok ? `${answer.rcode} in ${answer.durationMs.toFixed(1)} ms` : answer.reason;
}
