/**
 * The load generator: phases of a run over one transport, and the report. It measures a server from outside and judges
 * every reply; it is meant to run in a process of its own, pinned to another core than the server.
 *
 *   prime    each question once, few in flight: fills a cache; not counted
 *   warm-up  as the measured phase; not counted
 *   hold     waits to be told to go on, where asked to
 *   measure  counted, until the last reply or its time-out
 */
import { once } from 'node:events';
import { requireLibc } from '../../src/os/libc.ts';
import { RUN_SECONDS_MAX } from './clock.ts';
import { cpuTimeNs } from './cpu-time.ts';
import { Flight } from './flight.ts';
import type { LoadOptions } from './options.ts';
import { drawOrder } from './order.ts';
import type { Load, Phase } from './phase.ts';
import { encodeQuestions, type QuestionSet } from './questions.ts';
import { seededRandom } from './random.ts';
import { Tally, type TallyReport } from './tally.ts';
import { TcpLoad } from './tcp.ts';
import { UdpLoad } from './udp.ts';

/** Few enough to lose nothing with a default receive buffer on the way, which holds 256 datagrams. */
const PRIME_WINDOW = 32;

export interface LoadReport extends TallyReport {
  readonly protocol: 'udp' | 'tcp';
  /** Null in a closed window. */
  readonly ratePerSecond: number | null;
  /** Null in an open loop. */
  readonly window: number | null;
  readonly questions: number;
  /** From the start of the measured phase to the last answer. */
  readonly seconds: number;
  readonly queriesPerSecond: number;
  /** CPU time of this process per query sent, the whole process; null when nothing was sent. */
  readonly generatorCpuUs: number | null;
  /** CPU time of `serverPid` per answer; null without one, or without an answer. */
  readonly serverCpuUs: number | null;
  /** What the heap grew by; a collection in the run makes it useless (negative). Shows a leak per query. */
  readonly heapOctets: number;
}

/** Throws an `Error` for questions that cannot be encoded. */
export async function runLoad(options: LoadOptions): Promise<LoadReport> {
  const { primeQuestions } = options;
  const set = encodeQuestions([...primeQuestions, ...options.questions], options);
  if (set instanceof Error) throw set;
  const random = seededRandom(options.seed);
  const flight = new Flight(options.channels, random);
  const Transport = options.protocol === 'udp' ? UdpLoad : TcpLoad;
  const load = new Transport(requireLibc(), options.server, options.channels, set, flight);
  try {
    const primeCount = options.primes ? set.count : primeQuestions.length;
    if (primeCount > 0) await load.run(primePhase(primeCount, options), new Tally(set.groups));
    const count = options.questions.length;
    const next = nextInOrder(drawOrder(options.order, count, options.seed), primeQuestions.length);
    const queriesMax = options.order === 'once' ? count : Number.MAX_SAFE_INTEGER;
    const warmup = new Tally(set.groups);
    if (options.warmupSeconds > 0) {
      const phase = { ...options, seconds: options.warmupSeconds, queriesMax, next };
      await load.run(phase, warmup);
    }
    const left = queriesMax - warmup.sent - warmup.notSent;
    if (options.holds) await untilTold();
    return await measure(load, { ...options, queriesMax: left, next }, options, set);
  } finally {
    load.close();
  }
}

/** Says that all is ready, and waits for a line: several loads start at once, and counters elsewhere are read in time. */
async function untilTold(): Promise<void> {
  console.log('ready');
  await once(process.stdin, 'data');
  process.stdin.destroy();
}

async function measure(
  load: Load,
  phase: Phase,
  options: LoadOptions,
  set: QuestionSet,
): Promise<LoadReport> {
  const tally = new Tally(set.groups);
  const serverCpuBefore = serverCpu(options);
  const ownCpuBefore = cpuTimeNs(process.pid)!;
  const heapBefore = process.memoryUsage().heapUsed;
  const elapsed = await load.run(phase, tally);
  const heapOctets = process.memoryUsage().heapUsed - heapBefore;
  const ownCpuNs = cpuTimeNs(process.pid)! - ownCpuBefore;
  const serverCpuNs = serverCpu(options) - serverCpuBefore;
  const seconds = tally.answered > 0 ? elapsed : phase.seconds;
  return {
    protocol: options.protocol,
    ratePerSecond: options.pace?.ratePerSecond ?? null,
    window: options.pace === undefined ? options.window : null,
    questions: options.questions.length,
    seconds,
    queriesPerSecond: tally.answered / seconds,
    generatorCpuUs: perQueryUs(ownCpuNs, tally.sent),
    serverCpuUs: perQueryUs(serverCpuNs, tally.answered),
    heapOctets,
    ...tally.report(),
  };
}

/** NaN where no process is to be watched or it has ended: the difference then is no number either. */
function serverCpu(options: LoadOptions): number {
  return (options.serverPid === undefined ? undefined : cpuTimeNs(options.serverPid)) ?? Number.NaN;
}

function perQueryUs(ns: number, count: number): number | null {
  const us = ns / 1000 / count;
  return Number.isFinite(us) ? us : null;
}

/** The first questions of the set. */
function primePhase(count: number, options: LoadOptions): Phase {
  let index = 0;
  return {
    seconds: RUN_SECONDS_MAX,
    queriesMax: count,
    pace: undefined,
    window: PRIME_WINDOW,
    replyTimeout: options.replyTimeout,
    spins: false,
    next: () => index++,
  };
}

/** Walks the order and begins again at its end; its questions stand in the set from `first` on. */
function nextInOrder(order: Int32Array, first: number): () => number {
  let at = 0;
  return () => {
    if (at === order.length) at = 0;
    return first + order[at++]!;
  };
}
