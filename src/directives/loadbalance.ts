/**
 * `loadbalance [round_robin | weighted FILE] { reload DURATION; prefer CIDR... }`: the order of addresses and mail exchangers
 * in answers. Several in a block: the policy of the last counts, `prefer` adds up, as in CoreDNS.
 */
import { prefixFromText } from '../base/ip-prefix.ts';
import type { Directive } from '../corefile/ast.ts';
import {
  argumentsBeforeBlock,
  durationOf,
  fail,
  failOption,
  oneOf,
  optionArgument,
  optionArguments,
} from './argument.ts';
import type { BlockContext } from './block-context.ts';

export interface LoadbalanceOptions {
  readonly policy:
    | { readonly kind: 'round_robin' }
    | {
        readonly kind: 'weighted';
        readonly path: string;
        /** 0: read once. */
        readonly reloadMs: number;
      };
  /** In CIDR notation, the most preferred first. */
  readonly prefer: readonly string[];
}

const RELOAD_DEFAULT_MS = 30_000;

/** Undefined where the block has no `loadbalance`. */
export function readLoadbalance(
  lines: readonly Directive[],
  context: BlockContext,
): LoadbalanceOptions | undefined {
  if (lines.length === 0) return undefined;
  const all = lines.map((line) => readOne(line, context));
  return { policy: all.at(-1)!.policy, prefer: all.flatMap(({ prefer }) => prefer) };
}

function readOne(line: Directive, context: BlockContext): LoadbalanceOptions {
  const args = argumentsBeforeBlock(line, { min: 0, max: 2 });
  const [word, path] = args;
  const kind = word ? oneOf('loadbalance', word, ['round_robin', 'weighted']) : 'round_robin';
  if (kind === 'round_robin' && path !== undefined) {
    fail('loadbalance', path, `unexpected '${path.text}': round_robin takes no argument`);
  }
  if (kind === 'weighted' && path === undefined) {
    fail('loadbalance', word!, 'weighted: expected the path of a weight file');
  }
  const known = kind === 'weighted' ? ['reload', 'prefer'] : ['prefer'];
  let reloadMs = RELOAD_DEFAULT_MS;
  const prefer: string[] = [];
  for (const option of line.block ?? []) {
    if (!known.includes(option.name.text)) failOption('loadbalance', option, known);
    if (option.name.text === 'prefer') prefer.push(...readPrefer(option, context));
    else reloadMs = durationOf('loadbalance', optionArgument('loadbalance', option));
  }
  return { policy: path ? { kind: 'weighted', path: path.text, reloadMs } : ROUND_ROBIN, prefer };
}

const ROUND_ROBIN = { kind: 'round_robin' } as const;

function readPrefer(option: Directive, { warn }: BlockContext): string[] {
  const words = optionArguments('loadbalance', option, { min: 0, max: Number.POSITIVE_INFINITY });
  if (words.length === 0) {
    const problem = 'prefer has no effect: write at least one ADDRESS/PREFIX';
    warn({ directive: 'loadbalance', at: option.name.at, problem });
  }
  return words.map((word) => {
    if (prefixFromText(word.text) !== undefined) return word.text;
    return fail('loadbalance', word, `'${word.text}': expected ADDRESS/PREFIX`);
  });
}
