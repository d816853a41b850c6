/** Rules about zones, and about what an operator will see. */
import { isReverseZone } from '../directives/zone-key.ts';
import type { Hit, Rule } from './finding.ts';
import {
  keyOf,
  type LintBlock,
  linesOf,
  type Subject,
  servesCluster,
  servesRoot,
  zonesOf,
} from './subject.ts';

/** What fits every path unfragmented (DNS Flag Day 2020), and the default. */
const UDP_SIZE_SAFE = 1232;

function without(name: string, subject: Subject): readonly LintBlock[] {
  return subject.blocks.filter((block) => linesOf(block, name).length === 0);
}

function lineHits(subject: Subject, name: string, hit: Omit<Hit, 'at'>): Hit[] {
  return subject.blocks
    .flatMap((block) => linesOf(block, name))
    .map((line) => ({ at: line.name.at, ...hit }));
}

/** Whom a block asks, for a comparison. */
function upstreamsOf({ config }: LintBlock): string {
  return config.forward
    .flatMap(({ to }) => to.map(({ host, port }) => `${host} ${port}`))
    .sort()
    .join(', ');
}

const STANDARD_REVERSE = ['in-addr.arpa.', 'ip6.arpa.'];

export const OPERATION_RULES: readonly Rule[] = [
  {
    name: 'root-zone-missing',
    level: 'warning',
    summary: 'no block for `.`: all other names are refused',
    check: ({ blocks }) =>
      blocks.length === 0 || blocks.some(servesRoot)
        ? []
        : [
            {
              at: keyOf(blocks[0]!),
              problem:
                'no block serves `.`: every name outside of these zones is answered with REFUSED',
              advice: 'add a block for . that forwards to /etc/resolv.conf',
            },
          ],
  },
  {
    name: 'reverse-zone-missing',
    level: 'warning',
    summary: 'reverse names of the cluster go to the servers for external names',
    check: ({ blocks }) => {
      const cluster = blocks.find(
        (block) =>
          servesCluster(block) && zonesOf(block).some((zone) => zone.startsWith('cluster.')),
      );
      const root = blocks.find(servesRoot);
      if (cluster === undefined || root === undefined) return [];
      if (upstreamsOf(cluster) === upstreamsOf(root)) return [];
      const served = new Set(blocks.flatMap(zonesOf));
      const hasSome = [...served].some(isReverseZone);
      const missing = STANDARD_REVERSE.filter((zone) => !served.has(zone));
      if (hasSome || missing.length === 0) return [];
      return [
        {
          at: keyOf(cluster),
          problem: `no block for ${missing.join(' and ')}: reverse names of services go to the servers of \`.\`, which do not know them`,
          advice: "serve in-addr.arpa and ip6.arpa like the cluster's own zone",
        },
      ];
    },
  },
  {
    name: 'bufsize-large',
    level: 'warning',
    summary: 'replies over UDP that may be fragmented',
    check: ({ blocks }) =>
      blocks
        .filter(({ config }) => (config.bufsize ?? 0) > UDP_SIZE_SAFE)
        .map((block) => ({
          at: linesOf(block, 'bufsize')[0]!.name.at,
          problem: `replies over UDP of up to ${block.config.bufsize} octets are fragmented on most networks, and fragments get lost`,
          advice: `bufsize ${UDP_SIZE_SAFE}, which is the default here`,
        })),
  },
  {
    name: 'environment-unset',
    level: 'warning',
    summary: 'a variable of the environment that is not set',
    check: ({ unsetVariables }) =>
      unsetVariables.map(({ name, at }) => ({
        at,
        problem: `${name} is not set here: it becomes the empty text`,
        advice: 'set it for lint as the manifest does for the daemon',
      })),
  },
  {
    name: 'errors-missing',
    level: 'note',
    summary: 'no errors: failures leave no trace in the log',
    check: (subject) =>
      without('errors', subject).map((block) => ({
        at: keyOf(block),
        problem: 'no errors: a query that fails leaves no trace in the log',
        advice: 'add errors',
      })),
  },
  {
    name: 'reload-missing',
    level: 'note',
    summary: 'no reload: a changed Corefile waits for a restart',
    check: (subject) =>
      subject.blocks.length === 0 || without('reload', subject).length < subject.blocks.length
        ? []
        : [
            {
              at: keyOf(subject.blocks[0]!),
              problem:
                'no reload: a change takes effect at the next start, SIGUSR1 or zerohop reload',
              advice: 'add reload, or start with -reloadwithsignal',
            },
          ],
  },
  {
    name: 'log-costs',
    level: 'note',
    summary: 'log: a line for each query, and off the fast path',
    check: (subject) =>
      lineHits(subject, 'log', {
        problem: 'a log line for each query, and cached answers leave the fast path',
        advice: 'log . { class error } is cheaper, or zerohop status and the metrics are enough',
      }),
  },
  {
    name: 'debug-on',
    level: 'note',
    summary: 'debug: debug lines of the whole process',
    check: (subject) =>
      lineHits(subject, 'debug', {
        problem: 'debug lines of the whole process, of all blocks',
        advice: 'for a search, not for every day',
      }),
  },
];
