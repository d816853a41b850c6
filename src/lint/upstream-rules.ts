/** Rules about whom a block asks, and how. */
import { isLoopback } from '../base/ip-address.ts';
import type { Directive } from '../corefile/ast.ts';
import { canonicalAddress } from '../directives/address.ts';
import { boundWords } from '../directives/bind.ts';
import type { ForwardOptions } from '../upstream/options.ts';
import { cloudResolver } from './address-kind.ts';
import type { Hit, Rule } from './finding.ts';
import {
  keyOf,
  type LintBlock,
  linesOf,
  optionOf,
  type Subject,
  servesCluster,
} from './subject.ts';

interface Forward {
  readonly block: LintBlock;
  readonly line: Directive;
  readonly options: ForwardOptions;
}

/** Lines and their settings, where all `forward` of the block are right. */
function forwards({ blocks }: Subject): Forward[] {
  return blocks.flatMap((block) => {
    const lines = linesOf(block, 'forward');
    return block.config.forward.flatMap((options, index) => {
      const line = lines[index];
      return line === undefined ? [] : [{ block, line, options }];
    });
  });
}

function* each(subject: Subject, check: (forward: Forward) => Hit | undefined): Iterable<Hit> {
  for (const forward of forwards(subject)) {
    const hit = check(forward);
    if (hit !== undefined) yield hit;
  }
}

/** Servers of the kube-dns ConfigMap are asked over UDP, whatever the template says. */
function isAskedOverUdp(
  { placeholderAt }: Subject,
  { args }: Directive,
  { resolvConf }: ForwardOptions,
): boolean {
  const isPlaceholder = args.some(({ at }) => placeholderAt(at)?.includes(UPSTREAM_SERVERS));
  return isPlaceholder && resolvConf.length === 0;
}

const UPSTREAM_SERVERS = '__PILLAR__UPSTREAM__SERVERS__';

/** Directives that answer queries. */
const ANSWERERS = ['forward', 'template', 'hosts', 'whoami'];

export const UPSTREAM_RULES: readonly Rule[] = [
  {
    name: 'force-tcp-external',
    level: 'warning',
    summary: 'force_tcp toward a resolver of the cloud or of /etc/resolv.conf',
    check: (subject) =>
      each(subject, ({ line, options }) => {
        const option = optionOf(line, 'force_tcp');
        if (option === undefined || isAskedOverUdp(subject, line, options)) return undefined;
        const known = options.to.map(({ host }) => cloudResolver(host)).find(Boolean);
        const whose = known ?? (options.resolvConf.length > 0 ? "the node's own resolver" : '');
        if (whose === '') return undefined;
        return {
          at: option.name.at,
          problem: `every query to ${whose} goes over TCP`,
          advice:
            'cloud resolvers are made for UDP: AWS counts packets (1,024 a second for each network interface) and a TCP query takes ' +
            'several. Leave force_tcp to the blocks that ask kube-dns, or write prefer_udp',
        };
      }),
  },
  {
    name: 'upstream-loopback',
    level: 'warning',
    summary: 'a loopback address as upstream, such as systemd-resolved at 127.0.0.53',
    check: (subject) =>
      each(subject, ({ line, options }) => {
        const own = options.to.find(({ host }) => isLoopback(host));
        if (own === undefined) return undefined;
        const word = line.args.find(({ text }) => text.includes(own.host)) ?? line.args[1]!;
        const from = word.text.includes(own.host) ? '' : `${word.text} names `;
        return {
          at: word.at,
          problem: `${from}${own.host}: an address of this node itself as upstream`,
          advice:
            'systemd-resolved listens at 127.0.0.53 and may ask us in turn: a loop, which `loop` ends by ending the process. ' +
            'Name the real servers, or /run/systemd/resolve/resolv.conf',
        };
      }),
  },
  {
    name: 'upstream-self',
    level: 'warning',
    summary: 'a block forwards to an address that it listens on',
    check: (subject) =>
      each(subject, ({ block, line, options }) => {
        const own = new Set(block.config.bind === undefined ? [] : boundWords(block.config.bind));
        const ports = new Set(block.config.zones.map(({ port }) => port));
        const same = options.to.find(({ host, port }) => own.has(host) && ports.has(port));
        if (same === undefined) return undefined;
        const word = line.args.find(({ text }) => canonicalAddress(text) === same.host);
        return {
          at: (word ?? line.name).at,
          problem: `${same.host}:${same.port} is an address of this very block: its queries come back to it`,
          advice:
            'where the block serves the address of kube-dns too, ask kube-dns at the second Service (kube-dns-upstream): ' +
            '__PILLAR__CLUSTER__DNS__ in a template',
        };
      }),
  },
  {
    name: 'nothing-answers',
    level: 'warning',
    summary: 'a block in which no directive answers queries',
    check: ({ blocks }) =>
      blocks
        .filter(({ ast }) => !ast.directives.some(({ name }) => ANSWERERS.includes(name.text)))
        .map((block) => ({
          at: keyOf(block),
          problem: 'no directive here answers queries: clients get REFUSED',
          advice: 'add forward',
        })),
  },
  {
    name: 'resolv-conf-unknown',
    level: 'note',
    summary: '/etc/resolv.conf as upstream: which servers that is depends on the node',
    check: (subject) =>
      subject.knowsResolvConf
        ? []
        : each(subject, ({ line, options }) =>
            options.resolvConf.includes('/etc/resolv.conf')
              ? {
                  at: line.name.at,
                  problem:
                    "the servers are those of the node's /etc/resolv.conf, which is not looked at here",
                  advice:
                    'with dnsPolicy Default it is the file that the kubelet is given (--resolv-conf). It must not name 127.0.0.53; ' +
                    'zerohop doctor on a node says, or lint --resolv-conf FILE with a copy',
                }
              : undefined,
          ),
  },
  {
    name: 'cluster-over-udp',
    level: 'note',
    summary: 'kube-dns is asked over UDP where clients come over UDP',
    check: (subject) =>
      each(subject, ({ block, line, options }) =>
        servesCluster(block) &&
        options.protocol !== 'force_tcp' &&
        options.to.every(({ transport }) => transport === 'dns')
          ? {
              at: line.name.at,
              problem: 'kube-dns is asked over UDP where a client came over UDP',
              advice:
                'each question takes a conntrack entry of the node, and one lost packet costs it 5 s; the stock manifest has ' +
                'force_tcp here, which Zerohop serves with a few pipelined connections',
            }
          : undefined,
      ),
  },
  {
    name: 'no-health-checks',
    level: 'note',
    summary: 'max_fails 0: an upstream is never taken for down',
    check: (subject) =>
      each(subject, ({ line, options }) =>
        options.maxFails === 0
          ? {
              at: (optionOf(line, 'max_fails') ?? line).name.at,
              problem: 'max_fails 0: no upstream is ever taken for down, and none is checked',
              advice: 'leave it out unless there is one upstream only',
            }
          : undefined,
      ),
  },
];
