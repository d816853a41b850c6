/**
 * The load generator's options, as flags of `cli.ts`. All are checked here; a bad one is an `Error` that says which.
 */
import { readFileSync } from 'node:fs';
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { RUN_SECONDS_MAX, TICKS_PER_SECOND, type Ticks } from './clock.ts';
import { ORDERS, type Order } from './order.ts';
import {
  numberedQuestions,
  parseQuestions,
  QUESTION_COUNT_MAX,
  type Question,
  withMixedCase,
} from './questions.ts';
import type { Pace } from './schedule.ts';

export interface LoadOptions {
  readonly server: { readonly address: string; readonly port: number };
  readonly protocol: 'udp' | 'tcp';
  /** An open loop; undefined for a closed window. */
  readonly pace: Pace | undefined;
  readonly window: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
  /** Asked once each, few at a time, before all else: fills a cache. */
  readonly primeQuestions: readonly Question[];
  /** Whether `questions` are asked in that way too. */
  readonly primes: boolean;
  readonly replyTimeout: Ticks;
  readonly spins: boolean;
  /** UDP sockets or TCP connections. */
  readonly channels: number;
  readonly questions: readonly Question[];
  /** Print `ready` before the measured phase and wait for a line on standard input. */
  readonly holds: boolean;
  readonly order: Order;
  readonly seed: number;
  readonly edns: boolean;
  readonly exactAddress: boolean;
  /** Whose CPU time to count. */
  readonly serverPid: number | undefined;
}

/** Below the 5 s after which glibc's and musl's stubs ask again. */
const REPLY_TIMEOUT_SECONDS = '2';

export const USAGE = `node bench/load/cli.ts --server ADDRESS:PORT [flags]
  --rate N            open loop at N queries a second (without it: a closed window)
  --burst N           of that rate, N queries leave at once
  --spike N           N queries a second in the middle third
  --window N          queries in flight in a closed window (128)
  --seconds S         length of the measured phase (5)
  --warmup S          length of the uncounted phase before it (0)
  --timeout S         a query without a reply for so long is lost (${REPLY_TIMEOUT_SECONDS})
  --prime             first ask each question once
  --prime-file FILE   first ask these questions once, from lines as with --file
  --spin              poll without waiting
  --channels N        UDP source ports or TCP connections (8)
  --tcp               over TCP
  --names N           numbered names (200), with --prefix TEXT, --zone NAME, --type TYPE
  --file FILE         questions from lines "NAME TYPE [NOERROR|NODATA|NXDOMAIN|...|ANY [GROUP]]" instead;
                      latency is told by group too
  --order ORDER       ${ORDERS.join(', ')} (uniform)
  --seed N            of names, order and ids (1)
  --mixed-case        ask each name in a second spelling too
  --edns              with an OPT record
  --exact-address     expect the addresses that bench/load/upstream.ts gives
  --hold              print "ready" before the measured phase, and wait for a line
  --server-pid PID    count the CPU time of this process`;

const FLAGS = {
  server: { type: 'string' },
  rate: { type: 'string' },
  burst: { type: 'string', default: '1' },
  spike: { type: 'string' },
  window: { type: 'string', default: '128' },
  seconds: { type: 'string', default: '5' },
  warmup: { type: 'string', default: '0' },
  timeout: { type: 'string', default: REPLY_TIMEOUT_SECONDS },
  prime: { type: 'boolean', default: false },
  'prime-file': { type: 'string' },
  spin: { type: 'boolean', default: false },
  channels: { type: 'string', default: '8' },
  tcp: { type: 'boolean', default: false },
  names: { type: 'string', default: '200' },
  prefix: { type: 'string', default: 'h' },
  zone: { type: 'string', default: 'bench.example.org' },
  type: { type: 'string', default: 'A' },
  file: { type: 'string' },
  order: { type: 'string', default: 'uniform' },
  seed: { type: 'string', default: '1' },
  'mixed-case': { type: 'boolean', default: false },
  edns: { type: 'boolean', default: false },
  'exact-address': { type: 'boolean', default: false },
  hold: { type: 'boolean', default: false },
  'server-pid': { type: 'string' },
} as const satisfies ParseArgsOptionsConfig;

/** Throws an `Error` that names the flag. */
export function parseLoadOptions(args: readonly string[]): LoadOptions {
  const { values } = parseArgs({ args: [...args], options: FLAGS, strict: true });
  const seed = numberOf('seed', values.seed, 0, 2 ** 31 - 1);
  const prime = values['prime-file'];
  const listed = values.file
    ? parseQuestions(readFileSync(values.file, 'utf8'))
    : numberedQuestions(
        numberOf('names', values.names, 1, QUESTION_COUNT_MAX),
        values.prefix,
        values.zone,
        values.type.toUpperCase(),
      );
  return {
    server: parseServer(values.server),
    protocol: values.tcp ? 'tcp' : 'udp',
    pace: parsePace(values),
    window: numberOf('window', values.window, 1, 65_536),
    seconds: numberOf('seconds', values.seconds, 0.01, RUN_SECONDS_MAX),
    warmupSeconds: numberOf('warmup', values.warmup, 0, RUN_SECONDS_MAX),
    replyTimeout: numberOf('timeout', values.timeout, 0.01, 5) * TICKS_PER_SECOND,
    spins: values.spin,
    channels: numberOf('channels', values.channels, 1, 256),
    holds: values.hold,
    questions: values['mixed-case'] ? withMixedCase(listed, seed) : listed,
    primeQuestions: prime ? parseQuestions(readFileSync(prime, 'utf8')) : [],
    primes: values.prime,
    order: parseOrder(values.order),
    seed,
    edns: values.edns,
    exactAddress: values['exact-address'],
    serverPid:
      values['server-pid'] === undefined
        ? undefined
        : numberOf('server-pid', values['server-pid'], 1, 2 ** 22),
  };
}

function parseServer(text = ''): LoadOptions['server'] {
  const match = /^(\d{1,3}(?:\.\d{1,3}){3}):(\d{1,5})$/.exec(text);
  const [, address, port] = match ?? [];
  if (!address || !port) throw new Error('--server: expected an IPv4 ADDRESS:PORT');
  return { address, port: numberOf('server', port, 1, 65_535) };
}

function parsePace(values: { rate?: string; burst: string; spike?: string }): Pace | undefined {
  const { rate, burst, spike } = values;
  if (rate === undefined) return undefined;
  return {
    ratePerSecond: numberOf('rate', rate, 1, 1_000_000),
    burst: numberOf('burst', burst, 1, 65_536),
    spikePerSecond: spike === undefined ? undefined : numberOf('spike', spike, 1, 1_000_000),
  };
}

function parseOrder(text: string): Order {
  const order = ORDERS.find((name) => name === text);
  if (!order) throw new Error(`--order: expected one of ${ORDERS.join(', ')}`);
  return order;
}

function numberOf(flag: string, text: string, least: number, most: number): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value >= least && value <= most) return value;
  throw new Error(`--${flag}: expected a number from ${least} to ${most}, got "${text}"`);
}
