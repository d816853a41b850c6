/** Rules about what is kept, and how long. */
import type { Hit, Rule } from './finding.ts';
import {
  keyOf,
  type LintBlock,
  linesOf,
  optionOf,
  type Subject,
  servesCluster,
  servesRoot,
} from './subject.ts';

/** CoreDNS's default, and what the stock manifest writes. */
const DENIAL_CAPACITY_USUAL = 9_984;
/** Clients give up a name after 5 to 10 s; a failure that is remembered longer outlives its cause. */
const SERVFAIL_LONG_MS = 30_000;

/** Those that forward, for cluster names or for all. */
function answering({ blocks }: Subject): readonly LintBlock[] {
  return blocks.filter(({ config }) => config.forward.length > 0);
}

function hasOption(block: LintBlock, name: string): boolean {
  return linesOf(block, 'cache').some((line) => optionOf(line, name) !== undefined);
}

function* cached(subject: Subject, check: (block: LintBlock) => Hit | undefined): Iterable<Hit> {
  for (const block of answering(subject)) {
    const hit = block.config.cache && check(block);
    if (hit !== undefined) yield hit;
  }
}

/** The place of an option of `cache`, else that of `cache`. */
function placeOf(block: LintBlock, option: string) {
  const [line] = linesOf(block, 'cache');
  return ((line && optionOf(line, option)) ?? line)!.name.at;
}

export const CACHE_RULES: readonly Rule[] = [
  {
    name: 'cache-missing',
    level: 'warning',
    summary: 'a block forwards and has no cache',
    check: (subject) =>
      answering(subject)
        .filter(({ ast }) => !ast.directives.some(({ name }) => name.text === 'cache'))
        .map((block) => ({
          at: keyOf(block),
          problem: 'no cache: every query goes upstream',
          advice: 'add cache 30',
        })),
  },
  {
    name: 'denial-cache-small',
    level: 'warning',
    summary: 'fewer denials are kept than answers, or none',
    check: (subject) =>
      cached(subject, (block) => {
        if (!servesCluster(block) && !servesRoot(block)) return undefined;
        const { success, denial } = block.config.cache!;
        const isOff = denial.disabledZones.length > 0;
        if (!isOff && denial.capacity >= Math.min(success.capacity, DENIAL_CAPACITY_USUAL)) {
          return undefined;
        }
        const what = isOff ? 'denials are not kept' : `room for ${denial.capacity} denials`;
        return {
          at: placeOf(block, isOff ? 'disable' : 'denial'),
          problem: `${what}, and a pod's search path (ndots:5) asks for up to four names that do not exist before the one that does`,
          advice: `keep as many denials as answers: denial ${Math.max(success.capacity, DENIAL_CAPACITY_USUAL)} 5`,
        };
      }),
  },
  {
    name: 'servfail-long',
    level: 'warning',
    summary: 'a failure of an upstream is remembered for more than 30 s',
    check: (subject) =>
      cached(subject, (block) =>
        block.config.cache!.servfailMs > SERVFAIL_LONG_MS
          ? {
              at: placeOf(block, 'servfail'),
              problem: `a SERVFAIL is repeated for ${block.config.cache!.servfailMs / 1000} s, also when its cause is long gone`,
              advice: 'servfail 5s is the default',
            }
          : undefined,
      ),
  },
  {
    name: 'client-subnet-cached',
    level: 'warning',
    summary: 'answers for one client subnet (ECS) are cached for all',
    check: ({ blocks }) =>
      blocks
        .filter((block) => linesOf(block, 'cache').length > 0)
        .flatMap((block) => linesOf(block, 'rewrite'))
        .filter(({ args }) => {
          const words = args.map(({ text }) => text.toLowerCase());
          return words.includes('edns0') && words.includes('subnet');
        })
        .map(({ name }) => ({
          at: name.at,
          problem: 'the answer for one client subnet is cached, and given to every client',
          advice: 'leave the subnet out: on one node it says nothing',
        })),
  },
  {
    name: 'serve-stale-missing',
    level: 'note',
    summary: 'no serve_stale: while upstreams are away, clients get SERVFAIL',
    check: (subject) => {
      const [first, ...others] = answering(subject).filter(
        (block) => block.config.cache !== undefined && !hasOption(block, 'serve_stale'),
      );
      if (first === undefined) return [];
      const also = others.length === 0 ? '' : ` (and in ${others.length} more blocks)`;
      return [
        {
          at: placeOf(first, 'serve_stale'),
          problem: `while kube-dns or the upstream is away, names that were known get SERVFAIL${also}`,
          advice: 'serve_stale 1h keeps answering them (RFC 8767)',
        },
      ];
    },
  },
];
