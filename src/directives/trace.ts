/**
 * `trace [zipkin|datadog|otlp] [ENDPOINT] { every AMOUNT; service NAME; client_server [BOOL]; datadog_analytics_rate [RATE];
 * zipkin_max_backlog_size SIZE; zipkin_max_batch_size SIZE; zipkin_max_batch_interval DURATION }`: where traces of queries go, and
 * of which. `otlp` is our own addition. Of several in a block the last counts.
 */
import type { Directive, Word } from '../corefile/ast.ts';
import {
  argumentsBeforeBlock,
  durationOf,
  fail,
  failOption,
  integerOf,
  oneOf,
  optionArgument,
  optionArguments,
  warnIgnored,
} from './argument.ts';
import type { BlockContext } from './block-context.ts';

export interface TraceOptions {
  readonly kind: 'zipkin' | 'datadog' | 'otlp';
  readonly url: string;
  /** One query in so many; 0: none. */
  readonly every: number;
  readonly service: string;
  readonly analyticsRate: number;
  /** Spans that wait; beyond, the oldest are dropped. */
  readonly backlogMax: number;
  /** Spans in one request. */
  readonly batchMax: number;
  readonly intervalMs: number;
}

/** By kind: the default HOST:PORT, and the path where no URL is given. */
const COLLECTORS = {
  zipkin: { address: 'localhost:9411', path: '/api/v2/spans' },
  datadog: { address: 'localhost:8126', path: '/v0.4/traces' },
  otlp: { address: 'localhost:4318', path: '/v1/traces' },
} as const;
const KINDS = Object.keys(COLLECTORS) as TraceOptions['kind'][];

/** zipkin-go's own. */
const BACKLOG_DEFAULT = 1_000;
const BATCH_DEFAULT = 100;
const INTERVAL_DEFAULT_MS = 1_000;
/** A span takes about half a kilobyte while it waits. */
const SIZE_MAX = 100_000;

type Draft = { -readonly [Key in keyof TraceOptions]: TraceOptions[Key] };

const OPTIONS: ReadonlyMap<string, (draft: Draft, option: Directive) => void> = new Map([
  [
    'every',
    (draft, option) => {
      const bounds = { min: 0, max: Number.MAX_SAFE_INTEGER };
      draft.every = integerOf('trace', optionArgument('trace', option), bounds);
    },
  ],
  [
    'service',
    (draft, option) => {
      draft.service = optionArgument('trace', option).text;
    },
  ],
  ['client_server', (_draft, option) => checkBoolean(option)],
  [
    'datadog_analytics_rate',
    (draft, option) => {
      const [word] = optionArguments('trace', option, { min: 0, max: 1 });
      draft.analyticsRate = word === undefined ? 0 : rateOf(word);
    },
  ],
  [
    'zipkin_max_backlog_size',
    (draft, option) => {
      draft.backlogMax = sizeOf(option) || BACKLOG_DEFAULT;
    },
  ],
  [
    'zipkin_max_batch_size',
    (draft, option) => {
      draft.batchMax = sizeOf(option) || BATCH_DEFAULT;
    },
  ],
  [
    'zipkin_max_batch_interval',
    (draft, option) => {
      draft.intervalMs =
        durationOf('trace', optionArgument('trace', option)) || INTERVAL_DEFAULT_MS;
    },
  ],
]);

/** Undefined where the block has no `trace`. */
export function readTrace(
  lines: readonly Directive[],
  context: BlockContext,
): TraceOptions | undefined {
  const all = lines.map(readOne);
  const last = lines.at(-1);
  if (last !== undefined) warnIgnored(lines, last, context);
  return all.at(-1);
}

function readOne(line: Directive): TraceOptions {
  const args = argumentsBeforeBlock(line, { min: 0, max: 2 });
  const kindWord = args.length === 2 ? args[0]! : undefined;
  const kind = kindWord
    ? oneOf('trace', { ...kindWord, text: kindWord.text.toLowerCase() }, KINDS)
    : 'zipkin';
  const draft: Draft = {
    kind,
    url: urlOf(kind, args.at(-1)),
    every: 1,
    service: 'coredns',
    analyticsRate: 0,
    backlogMax: BACKLOG_DEFAULT,
    batchMax: BATCH_DEFAULT,
    intervalMs: INTERVAL_DEFAULT_MS,
  };
  for (const option of line.block ?? []) {
    const read = OPTIONS.get(option.name.text) ?? failOption('trace', option, [...OPTIONS.keys()]);
    read(draft, option);
  }
  return draft;
}

function urlOf(kind: TraceOptions['kind'], word: Word | undefined): string {
  const { address, path } = COLLECTORS[kind];
  const text = word?.text ?? address;
  const url = /^https?:\/\//.test(text) ? text : `http://${text}${path}`;
  if (URL.canParse(url)) return url;
  return fail('trace', word!, `'${text}': expected HOST:PORT or an http URL`);
}

/** Spans of a client and its server under one id; no stub sends its span's id, so there is nothing to join. */
function checkBoolean(option: Directive): void {
  const [word] = optionArguments('trace', option, { min: 0, max: 1 });
  if (word === undefined || /^(?:1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/.test(word.text))
    return;
  fail('trace', word, `'${word.text}': expected true or false`);
}

function rateOf(word: Word): number {
  const rate = /^[+-]?\d*\.?\d+$/.test(word.text) ? Number(word.text) : Number.NaN;
  return rate >= 0 && rate <= 1
    ? rate
    : fail('trace', word, `'${word.text}': expected a rate from 0 to 1`);
}

function sizeOf(option: Directive): number {
  return integerOf('trace', optionArgument('trace', option), { min: 0, max: SIZE_MAX });
}
