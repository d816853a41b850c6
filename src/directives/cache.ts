/**
 * `cache [TTL] [ZONES...] { success CAPACITY [TTL [MINTTL]]; denial CAPACITY [TTL [MINTTL]];
 * prefetch AMOUNT [DURATION [PERCENTAGE%]]; servfail DURATION; disable success|denial [ZONES...]; keepttl;
 * serve_stale [DURATION [immediate [RESPONSE_TTL [RECHECK]] | verify [TIMEOUT [RESPONSE_TTL [RECHECK]]]]];
 * serve_stale_policy prefer_positive }`: what is kept, and how long. Once in a server block.
 */
import type { CachePolicy, PrefetchPolicy, StalePolicy } from '../cache/policy.ts';
import type { Directive, Word } from '../corefile/ast.ts';
import {
  argumentsBeforeBlock,
  durationOf,
  fail,
  failOption,
  integerOf,
  oneOf,
  onlyOne,
  optionArgument,
  optionArguments,
} from './argument.ts';
import type { BlockContext } from './block-context.ts';
import { readNameList, readZoneList } from './zone-key.ts';

/** Entries: CoreDNS divides a capacity among 256 shards of at least 4. */
const SHARD_COUNT = 256;
const SHARD_SIZE_MIN = 4;
const CAPACITY_DEFAULT = 9_984;
const TTL_MIN_DEFAULT_S = 5;
const SUCCESS_TTL_DEFAULT_S = 3_600;
const DENIAL_TTL_DEFAULT_S = 1_800;
const SERVFAIL_DEFAULT_MS = 5_000;
/** RFC 2308 §7.1. */
const SERVFAIL_MAX_MS = 300_000;
/** RFC 2181 §8. */
const TTL_MAX_S = 2 ** 31 - 1;
const STALE_DEFAULT_MS = 3_600_000;
/** RFC 8767 §5: a failed refresh is tried again after at most 5 minutes. */
const RECHECK_MAX_MS = 300_000;
const PREFETCH_DURATION_DEFAULT_MS = 60_000;
const PREFETCH_PERCENTAGE_DEFAULT = 10;

type Draft = { -readonly [Key in keyof CachePolicy]: CachePolicy[Key] };

type OptionReader = (policy: Draft, option: Directive, context: BlockContext) => void;

const OPTION_READERS: Record<string, OptionReader> = {
  success(policy, option, context) {
    policy.success = { ...policy.success, ...readClass(option, context) };
  },
  denial(policy, option, context) {
    policy.denial = { ...policy.denial, ...readClass(option, context) };
  },
  prefetch(policy, option) {
    policy.prefetch = readPrefetch(option);
  },
  serve_stale(policy, option) {
    policy.stale = readStale(option);
  },
  // Needs the duration of `serve_stale`, which may come later.
  serve_stale_policy(_policy, option) {
    const word = optionArgument('cache', option);
    oneOf('cache', { text: word.text.toLowerCase(), at: word.at }, ['prefer_positive']);
  },
  servfail(policy, option) {
    policy.servfailMs = durationOf('cache', optionArgument('cache', option), 0, SERVFAIL_MAX_MS);
  },
  disable(policy, option, context) {
    const [which, ...zones] = optionArguments('cache', option, {
      min: 1,
      max: Number.POSITIVE_INFINITY,
    });
    const key = oneOf('cache', which!, ['success', 'denial']);
    const disabledZones = zones.length === 0 ? ['.'] : readNameList('cache', zones, context);
    policy[key] = { ...policy[key], disabledZones };
  },
  keepttl(policy, option) {
    optionArguments('cache', option, { min: 0, max: 0 });
    policy.keepTtl = true;
  },
};

const OPTIONS = new Map(Object.entries(OPTION_READERS));

/** Undefined where the block has no `cache`. */
export function readCache(
  lines: readonly Directive[],
  context: BlockContext,
): CachePolicy | undefined {
  const line = onlyOne(lines);
  if (line === undefined) return undefined;
  const policy = readHead(line, context);
  const options = line.block ?? [];
  for (const option of options) {
    const read = OPTIONS.get(option.name.text) ?? failOption('cache', option, [...OPTIONS.keys()]);
    read(policy, option, context);
  }
  applyStalePolicy(policy, options);
  return policy;
}

/** The policy that the first line alone asks for. */
function readHead(line: Directive, context: BlockContext): Draft {
  const args = argumentsBeforeBlock(line, { min: 0, max: Number.POSITIVE_INFINITY });
  const hasTtl = /^[+-]?\d+$/.test(args[0]?.text ?? '');
  const ttlS = hasTtl ? ttlOf(args[0]!) : undefined;
  const zones = args.slice(hasTtl ? 1 : 0);
  const shared = { capacity: CAPACITY_DEFAULT, ttlMinS: TTL_MIN_DEFAULT_S, disabledZones: [] };
  return {
    zones: zones.length === 0 ? context.zones : readZoneList('cache', zones, context),
    success: { ...shared, ttlMaxS: ttlS ?? SUCCESS_TTL_DEFAULT_S },
    denial: { ...shared, ttlMaxS: ttlS ?? DENIAL_TTL_DEFAULT_S },
    prefetch: undefined,
    stale: undefined,
    servfailMs: SERVFAIL_DEFAULT_MS,
    keepTtl: false,
  };
}

/** What is beyond a TTL bounds none. */
function ttlOf(word: Word, min = 1): number {
  return Math.min(integerOf('cache', word, { min, max: Number.MAX_SAFE_INTEGER }), TTL_MAX_S);
}

/** What `success` or `denial` overrides. */
function readClass(
  option: Directive,
  context: BlockContext,
): { capacity: number; ttlMaxS?: number; ttlMinS?: number } {
  const [capacity, ttl, ttlMin] = optionArguments('cache', option, { min: 1, max: 3 }, context);
  const bounds = { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER };
  const shardSize = Math.trunc(integerOf('cache', capacity!, bounds) / SHARD_COUNT);
  return {
    capacity: Math.max(shardSize, SHARD_SIZE_MIN) * SHARD_COUNT,
    ...(ttl && { ttlMaxS: ttlOf(ttl) }),
    ...(ttlMin && { ttlMinS: ttlOf(ttlMin, 0) }),
  };
}

/** Undefined where the amount is 0: never. */
function readPrefetch(option: Directive): PrefetchPolicy | undefined {
  const [amountWord, duration, percentage] = optionArguments('cache', option, { min: 1, max: 3 });
  const amount = integerOf('cache', amountWord!, { min: 0, max: Number.MAX_SAFE_INTEGER });
  const policy = {
    amount,
    durationMs:
      duration === undefined ? PREFETCH_DURATION_DEFAULT_MS : durationOf('cache', duration),
    percentage: percentage === undefined ? PREFETCH_PERCENTAGE_DEFAULT : percentageOf(percentage),
  };
  return amount === 0 ? undefined : policy;
}

function percentageOf(word: Word): number {
  if (!word.text.endsWith('%'))
    fail('cache', word, `'${word.text}': expected a percentage such as 10%`);
  return integerOf('cache', { text: word.text.slice(0, -1), at: word.at }, { min: 10, max: 90 });
}

/** Undefined where the duration is 0: nothing is ever stale enough. */
function readStale(option: Directive): StalePolicy | undefined {
  const [duration, modeWord, ...rest] = optionArguments('cache', option, { min: 0, max: 5 });
  const durationMs = duration === undefined ? STALE_DEFAULT_MS : durationOf('cache', duration);
  const mode =
    modeWord === undefined
      ? 'immediate'
      : oneOf('cache', { text: modeWord.text.toLowerCase(), at: modeWord.at }, [
          'immediate',
          'verify',
        ]);
  const timeout = mode === 'verify' ? rest.shift() : undefined;
  const [ttl, recheck, extra] = rest;
  if (extra !== undefined) {
    fail(
      'cache',
      extra,
      `serve_stale: unexpected '${extra.text}': expected RESPONSE_TTL and RECHECK last`,
    );
  }
  const policy = {
    durationMs,
    mode,
    verifyTimeoutMs: timeout === undefined ? 0 : durationOf('cache', timeout),
    responseTtlS: ttl === undefined ? 0 : responseTtlOf(ttl),
    recheckMs: recheck === undefined ? 0 : durationOf('cache', recheck, 0, RECHECK_MAX_MS),
    preferPositive: false,
  };
  return durationMs === 0 ? undefined : policy;
}

function responseTtlOf(word: Word): number {
  const ttlS = durationOf('cache', word) / 1_000;
  if (Number.isInteger(ttlS) && ttlS < 2 ** 32) return ttlS;
  return fail('cache', word, `'${word.text}': expected whole seconds below 2^32, as a TTL is`);
}

function applyStalePolicy(policy: Draft, options: readonly Directive[]): void {
  const [first, second] = options.filter(({ name }) => name.text === 'serve_stale_policy');
  if (first === undefined) return;
  if (second !== undefined) fail('cache', second.name, 'serve_stale_policy: expected only once');
  if (!options.some(({ name }) => name.text === 'serve_stale')) {
    fail('cache', first.name, 'serve_stale_policy: expected serve_stale beside it');
  }
  if (policy.stale !== undefined) policy.stale = { ...policy.stale, preferPositive: true };
}
