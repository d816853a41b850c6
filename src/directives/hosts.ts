/**
 * `hosts [FILE [ZONES...]] { INLINE...; ttl SECONDS; no_reverse; reload DURATION; fallthrough [ZONES...];
 * fallthrough_unsupported }`: names and addresses out of a hosts file. Once in a server block.
 */
import type { Directive } from '../corefile/ast.ts';
import {
  argumentsBeforeBlock,
  durationOf,
  fail,
  failOption,
  integerOf,
  onlyOne,
  optionArgument,
  optionArguments,
} from './argument.ts';
import type { BlockContext } from './block-context.ts';
import { readFallthrough } from './fallthrough.ts';
import { readZoneList } from './zone-key.ts';

export interface HostsOptions {
  readonly path: string;
  /** Names outside of them are nobody's here. */
  readonly zones: readonly string[];
  /** Lines of the Corefile, in the format of the file. */
  readonly inline: readonly string[];
  readonly ttlS: number;
  /** Whether addresses answer PTR questions. */
  readonly isReversed: boolean;
  /** 0: read once. */
  readonly reloadMs: number;
  /** Zones whose names go on to the next stage where the hosts have none. */
  readonly fallthrough: readonly string[];
  /** Whether questions for other types go on as well, of names that are here. */
  readonly passesOtherTypes: boolean;
}

const PATH_DEFAULT = '/etc/hosts';
const TTL_DEFAULT_S = 3_600;
/** CoreDNS's bound. */
const TTL_MAX_S = 65_535;
const RELOAD_DEFAULT_MS = 5_000;

type Draft = { -readonly [Key in keyof HostsOptions]: HostsOptions[Key] };

type OptionReader = (draft: Draft, option: Directive, context: BlockContext) => void;

const OPTIONS: ReadonlyMap<string, OptionReader> = new Map<string, OptionReader>([
  [
    'ttl',
    (draft, option, context) => {
      const [ttl] = optionArguments('hosts', option, { min: 1, max: 1 }, context);
      draft.ttlS = integerOf('hosts', ttl!, { min: 1, max: TTL_MAX_S });
    },
  ],
  [
    'no_reverse',
    (draft, option) => {
      optionArguments('hosts', option, { min: 0, max: 0 });
      draft.isReversed = false;
    },
  ],
  [
    'reload',
    (draft, option) => {
      draft.reloadMs = durationOf('hosts', optionArgument('hosts', option));
    },
  ],
  [
    'fallthrough',
    (draft, option, context) => {
      draft.fallthrough = readFallthrough('hosts', option, context);
    },
  ],
  [
    'fallthrough_unsupported',
    (draft, option) => {
      optionArguments('hosts', option, { min: 0, max: 0 });
      draft.passesOtherTypes = true;
    },
  ],
]);

/** Undefined where the block has no `hosts`. */
export function readHosts(
  lines: readonly Directive[],
  context: BlockContext,
): HostsOptions | undefined {
  const line = onlyOne(lines);
  if (line === undefined) return undefined;
  const [path, ...zones] = argumentsBeforeBlock(line, { min: 0, max: Number.POSITIVE_INFINITY });
  const inline: string[] = [];
  const draft: Draft = {
    path: path?.text ?? PATH_DEFAULT,
    zones: zones.length === 0 ? context.zones : readZoneList('hosts', zones, context),
    inline,
    ttlS: TTL_DEFAULT_S,
    isReversed: true,
    reloadMs: RELOAD_DEFAULT_MS,
    fallthrough: [],
    passesOtherTypes: false,
  };
  for (const option of line.block ?? []) {
    const read = OPTIONS.get(option.name.text);
    if (read !== undefined) read(draft, option, context);
    // CoreDNS takes any line before `fallthrough` for one of a hosts file.
    else if (draft.fallthrough.length === 0) inline.push(lineOf(option));
    else failOption('hosts', option, [...OPTIONS.keys()]);
  }
  checkOtherTypes(draft, line);
  return draft;
}

function lineOf({ name, args, block }: Directive): string {
  if (block !== undefined) fail('hosts', name, 'unexpected block: expected ADDRESS NAME...');
  return [name, ...args].map(({ text }) => text).join(' ');
}

function checkOtherTypes({ passesOtherTypes, fallthrough }: Draft, { block }: Directive): void {
  if (!passesOtherTypes || fallthrough.length > 0) return;
  const option = block!.find(({ name }) => name.text === 'fallthrough_unsupported')!;
  fail('hosts', option.name, 'fallthrough_unsupported: expected fallthrough beside it');
}
