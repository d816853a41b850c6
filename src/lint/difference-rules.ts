/** Rules about what node-cache does otherwise, for whoever moves a Corefile here, or back. */
import type { Directive, Word } from '../corefile/ast.ts';
import type { Hit, Rule } from './finding.ts';
import { linesOf, type Subject } from './subject.ts';

/** node-cache's CoreDNS, whose options need no note. */
const BASELINE = '1.14.4';

/** Options that came after the baseline, and the release that brought them; `next` follows 1.14.7. */
export const NEWER_OPTIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  timeouts: { maxtcpqueries: '1.14.7' },
  cache: { serve_stale_policy: '1.14.7' },
  template: { var: 'next', expr: 'next' },
  hosts: { fallthrough_unsupported: '1.14.7' },
  forward: { read_timeout: '1.14.5', doh_method: '1.14.5', source_address: '1.14.6' },
};

/** Arguments of `serve_stale` that the baseline takes, by its mode. */
const STALE_ARGUMENTS: Readonly<Record<string, number>> = { immediate: 2, verify: 3 };

const INSTALLER_PLACEHOLDER = /__PILLAR__DNS__DOMAIN__/;

function options({ blocks }: Subject): { directive: string; option: Directive }[] {
  return blocks.flatMap(({ ast }) =>
    ast.directives.flatMap(({ name, block = [] }) =>
      block.map((option) => ({ directive: name.text, option })),
    ),
  );
}

/** Every word of a Corefile's keys and directives that a placeholder stood for, with what stood there. */
function filledWords({ blocks, placeholderAt }: Subject): { text: string; hit: Pick<Hit, 'at'> }[] {
  const words = blocks.flatMap(({ ast }) => [
    ...ast.keys,
    ...ast.directives.flatMap(({ args, block = [] }) => [
      ...args,
      ...block.flatMap((option) => option.args),
    ]),
  ]);
  const byPlace = new Map(words.map(({ at }) => [`${at.file}:${at.line}:${at.column}`, at]));
  return [...byPlace.values()].flatMap((at) => {
    const text = placeholderAt(at);
    return text === undefined ? [] : [{ text, hit: { at } }];
  });
}

function newerHit({ at }: Word, what: string, since: string): Hit {
  const release = since === 'next' ? 'comes after CoreDNS 1.14.7' : `came with CoreDNS ${since}`;
  return {
    at,
    problem: `${what} ${release}: node-cache refuses the Corefile`,
    advice: 'leave it out while nodes of both kinds share this ConfigMap',
  };
}

export const DIFFERENCE_RULES: readonly Rule[] = [
  {
    name: 'placeholder-left',
    level: 'warning',
    summary: 'a placeholder that nobody fills in at run time',
    check: (subject) =>
      filledWords(subject)
        .filter(({ text }) => INSTALLER_PLACEHOLDER.test(text))
        .map(({ hit }) => ({
          ...hit,
          problem:
            '__PILLAR__DNS__DOMAIN__ is not filled in at run time: as it stands it is the name of the zone',
          advice:
            'replace it before the manifest is applied, by cluster.local in most clusters (sed)',
        })),
  },
  {
    name: 'force-tcp-indentation',
    level: 'note',
    summary: 'force_tcp that node-cache would leave when upstreamNameservers are given',
    check: ({ blocks, placeholderAt }) =>
      blocks
        .flatMap((block) => linesOf(block, 'forward'))
        .filter(({ args }) =>
          args.some(({ at }) => placeholderAt(at)?.includes('__PILLAR__UPSTREAM__SERVERS__')),
        )
        .flatMap((line) => line.block?.filter(({ name }) => name.text === 'force_tcp') ?? [])
        .map(({ name }) => ({
          at: name.at,
          problem:
            'where the kube-dns ConfigMap has upstreamNameservers, Zerohop asks them over UDP',
          advice:
            'node-cache does so only where this block is indented exactly as in its own manifest',
        })),
  },
  {
    name: 'newer-option',
    level: 'note',
    summary: `an option that node-cache with CoreDNS ${BASELINE} refuses`,
    check: (subject) => [
      ...options(subject).flatMap(({ directive, option }) => {
        const { name, args } = option;
        const newer = NEWER_OPTIONS[directive]?.[name.text];
        if (newer !== undefined) return [newerHit(name, `${directive} ${name.text}`, newer)];
        const isLong =
          args.length > (STALE_ARGUMENTS[args[1]?.text.toLowerCase() ?? ''] ?? args.length);
        if (directive !== 'cache' || name.text !== 'serve_stale' || !isLong) return [];
        return [newerHit(name, 'a response TTL of serve_stale', '1.14.7')];
      }),
      ...subject.blocks
        .flatMap((block) => linesOf(block, 'forward'))
        .flatMap(({ args }) => args.slice(1))
        .filter(({ text }) => text.startsWith('https://'))
        .map((word) => newerHit(word, 'forward to https://', '1.14.5')),
    ],
  },
  {
    name: 'runtime-metrics',
    level: 'note',
    summary: 'runtime_metrics: there is no Go runtime to measure',
    check: (subject) =>
      options(subject)
        .filter(({ directive, option }) => {
          return directive === 'prometheus' && option.name.text === 'runtime_metrics';
        })
        .map(({ option }) => ({
          at: option.name.at,
          problem: 'runtime_metrics has no effect: the go_* series do not exist here',
        })),
  },
];
