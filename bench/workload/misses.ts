/**
 * Names that were never asked: each takes the way to an upstream and back. The upstream shares the load's core, hence the
 * load sleeps between queries instead of polling.
 */
import { numberedQuestions, type Question } from '../load/questions.ts';
import { seededRandom } from '../load/random.ts';
import { lengthFlags, type Scale, scaled, type Workload, ZONE } from './workload.ts';

/** A busy node whose pods ask for names of their own, and more than a slow server can take. */
const STORMS_PER_SECOND = [8000, 20_000] as const;
/** Five connections' worth of what a server gives that takes 5 ms an answer, one after the other. */
const ORDERED_PER_SECOND = 1000;
const SLOW_SHARE = 0.01;
/** Longer than what a slow name takes. */
const SLOW_TIMEOUT_SECONDS = 5;
const BURST = 1000;
/** The first round's warm-up, as many times as long: compiling is at its end after some twenty thousand misses. */
const FIRST_WARM_UP = 20;
const BURSTS_PER_SECOND = 2;

export function missWorkloads(scale: Scale): Workload[] {
  return [...STORMS_PER_SECOND.map((rate) => storm(rate, scale)), ordered(scale), burst(scale)];
}

function storm(ratePerSecond: number, scale: Scale): Workload {
  const rate = scaled(scale, ratePerSecond);
  const first = { ...scale, warmupSeconds: FIRST_WARM_UP * scale.warmupSeconds };
  const count = Math.ceil(rate * (first.seconds + first.warmupSeconds));
  const thousands = ratePerSecond / 1000;
  return {
    name: `miss-storm-${thousands}k`,
    title: `fresh names, ${thousands},000 a second, upstream answers from memory`,
    kind: 'misses',
    servers: thousands === 8 ? 'all' : 'few',
    seconds: scale.seconds,
    loads: (round) => [
      {
        flags: [
          ...lengthFlags(round === 0 ? first : scale),
          `--rate=${rate}`,
          `--names=${count}`,
          '--order=once',
          `--prefix=s${thousands}r${round}x`,
        ],
      },
    ],
  };
}

/** One in a hundred takes 2 s, and what is queued behind it waits. */
function ordered(scale: Scale): Workload {
  const rate = scaled(scale, ORDERED_PER_SECOND);
  const count = Math.ceil(rate * (scale.seconds + scale.warmupSeconds));
  return {
    name: 'ordered',
    title: 'fresh names, 1,000 a second, upstream in order, 5 ms each, 1 % take 2 s',
    kind: 'misses',
    servers: 'few',
    seconds: scale.seconds,
    loads: (round) => [
      {
        flags: [
          ...lengthFlags(scale),
          `--rate=${rate}`,
          '--order=once',
          `--timeout=${SLOW_TIMEOUT_SECONDS}`,
        ],
        questions: orderedQuestions(count, round),
      },
    ],
  };
}

function orderedQuestions(count: number, round: number): Question[] {
  const random = seededRandom(round);
  return numberedQuestions(count, `r${round}x`, ZONE.ORDERED, 'A').map((question) =>
    random() < SLOW_SHARE
      ? { ...question, name: `slow${question.name}`, group: 'slow' }
      : { ...question, group: 'fast' },
  );
}

/** Many pods ask for one name that is not there yet: an upstream should see one question. */
function burst(scale: Scale): Workload {
  const size = scaled(scale, BURST);
  const rate = size * BURSTS_PER_SECOND;
  const bursts = Math.max(1, Math.floor(scale.seconds * BURSTS_PER_SECOND));
  return {
    name: 'same-name-burst',
    title: 'bursts of 1,000 queries for one fresh name, upstream takes 5 ms',
    kind: 'misses',
    servers: 'few',
    seconds: scale.seconds,
    loads: (round) => [
      {
        flags: [`--seconds=${scale.seconds}`, `--rate=${rate}`, `--burst=${size}`, '--order=once'],
        questions: numberedQuestions(bursts, `b${round}x`, ZONE.DELAYED, 'A').flatMap((question) =>
          Array.from({ length: size }, () => question),
        ),
      },
    ],
  };
}
