/**
 * Cached and fresh names together, UDP and TCP together, and a rate that jumps. Fresh names belong to the upstream that takes
 * 5 ms; hits and misses are told apart in the latency.
 */
import { drawOrder } from '../load/order.ts';
import { numberedQuestions, type Question } from '../load/questions.ts';
import { seededRandom } from '../load/random.ts';
import { BUSY_PER_SECOND } from './hits.ts';
import { lengthFlags, type Scale, scaled, type Workload, ZONE } from './workload.ts';

const CACHED_NAMES = 1000;
const MISS_SHARE = 0.05;
const MIXED_UDP_PER_SECOND = 9000;
const MIXED_TCP_PER_SECOND = 1000;
const MIXED_TCP_CONNECTIONS = 20;
/** A quiet node, the pods of a deployment that all start on it, and the share of names that only one of them asks. */
const QUIET_PER_SECOND = 1000;
const SPIKE_PER_SECOND = 20_000;
const SPIKE_MISS_SHARE = 0.2;

export function mixWorkloads(scale: Scale): Workload[] {
  return [hitsOverMisses(scale), mixedTransports(scale), spike(scale)];
}

function hitsOverMisses(scale: Scale): Workload {
  const rate = scaled(scale, BUSY_PER_SECOND);
  const count = Math.ceil(rate * (scale.seconds + scale.warmupSeconds));
  return {
    name: 'hits-over-misses',
    title: '20,000 a second, 95 % cached, 5 % from an upstream that takes 5 ms',
    kind: 'mixes',
    servers: 'few',
    seconds: scale.seconds,
    loads: (round) => [
      {
        flags: [...lengthFlags(scale), `--rate=${rate}`, '--order=once'],
        prime: cached(),
        questions: mix(count, MISS_SHARE, `m${round}x`, round),
      },
    ],
  };
}

function mixedTransports(scale: Scale): Workload {
  const load = (transport: 'udp' | 'tcp', perSecond: number, flags: string[], round: number) => {
    const rate = scaled(scale, perSecond);
    const count = Math.ceil(rate * (scale.seconds + scale.warmupSeconds));
    const questions = mix(count, MISS_SHARE, `${transport}${round}x`, round);
    return {
      flags: [...lengthFlags(scale), `--rate=${rate}`, '--order=once', ...flags],
      prime: cached(),
      questions: questions.map(({ group, ...rest }) => ({
        ...rest,
        group: `${transport}-${group}`,
      })),
    };
  };
  const tcp = ['--tcp', `--channels=${MIXED_TCP_CONNECTIONS}`];
  return {
    name: 'mixed-transports',
    title: '9,000 a second over UDP and 1,000 over TCP, 95 % cached',
    kind: 'mixes',
    servers: 'few',
    seconds: scale.seconds,
    loads: (round) => [
      load('udp', MIXED_UDP_PER_SECOND, [], round),
      load('tcp', MIXED_TCP_PER_SECOND, tcp, round),
    ],
  };
}

function spike(scale: Scale): Workload {
  const quiet = scaled(scale, QUIET_PER_SECOND);
  const high = scaled(scale, SPIKE_PER_SECOND);
  const count = Math.ceil(high * (scale.seconds + scale.warmupSeconds));
  return {
    name: 'spike',
    title: '1,000 a second, then 20,000 for a third of the time, 80 % cached',
    kind: 'mixes',
    servers: 'few',
    seconds: scale.seconds,
    loads: (round) => [
      {
        flags: [...lengthFlags(scale), `--rate=${quiet}`, `--spike=${high}`, '--order=once'],
        prime: cached(),
        questions: mix(count, SPIKE_MISS_SHARE, `p${round}x`, round),
      },
    ],
  };
}

function cached(): Question[] {
  return numberedQuestions(CACHED_NAMES, 'c', ZONE.DELAYED, 'A');
}

/** Cached names by Zipf's law, and a share of names that are asked once. */
function mix(count: number, missShare: number, prefix: string, seed: number): Question[] {
  const random = seededRandom(seed);
  const hits = cached().map((question) => ({ ...question, group: 'hit' }));
  const order = drawOrder('zipf', hits.length, seed);
  const fresh = numberedQuestions(count, prefix, ZONE.DELAYED, 'A');
  return fresh.map((question, index) =>
    random() < missShare ? { ...question, group: 'miss' } : hits[order[index % order.length]!]!,
  );
}
