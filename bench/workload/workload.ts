/**
 * What a workload is: a name, the loads that play it, and which servers it is fit for. Everything drawn is drawn from a
 * seed, so that each server of a round is asked the same questions in the same order.
 */
import type { Question } from '../load/questions.ts';

/** Lengths of a run, and the share of its rates and counts; a smoke run makes them tiny. */
export interface Scale {
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly share: number;
}

export const FULL_SCALE: Scale = { seconds: 2, warmupSeconds: 0.2, share: 1 };
/** Says nothing about speed; keeps the bench from rotting. */
export const SMOKE_SCALE: Scale = { seconds: 0.1, warmupSeconds: 0.02, share: 0.02 };

export const KINDS = ['hits', 'misses', 'mixes', 'rates', 'growth'] as const;
export type Kind = (typeof KINDS)[number];

/** One process of the load generator. */
export interface Load {
  /** Flags of `load/cli.ts` beside the server's. */
  readonly flags: readonly string[];
  /** Asked once before, uncounted. */
  readonly prime?: readonly Question[];
  /** Instead of the numbered names of the flags. */
  readonly questions?: readonly Question[];
}

export interface Workload {
  readonly name: string;
  /** What the table says. */
  readonly title: string;
  readonly kind: Kind;
  /** Who takes part beside the daemon: the echo gives an address to everybody over UDP; `few` are the goals' yardsticks. */
  readonly servers: 'echo and all' | 'echo and few' | 'echo' | 'all' | 'few' | 'daemon';
  /** Of the measured phase. */
  readonly seconds: number;
  /** The daemon's metrics are fetched meanwhile. */
  readonly isScraped?: boolean;
  /** Played by dnsperf instead of loads of ours. */
  readonly isWitnessed?: boolean;
  /** Rounds count from 0; a round's fresh names are its own. Empty: nobody asks anything. */
  loads(round: number): readonly Load[];
}

/** Zones with an upstream of their own; all other names go to the one that answers from memory (`load/upstream.ts`). */
export const ZONE = {
  MEMORY: 'bench.example.org',
  DELAYED: 'delayed.example',
  ORDERED: 'ordered.example',
} as const;

export function lengthFlags(scale: Scale, seconds = scale.seconds): string[] {
  return [`--seconds=${seconds}`, `--warmup=${scale.warmupSeconds}`];
}

/** At least 1. */
export function scaled(scale: Scale, value: number): number {
  return Math.max(1, Math.ceil(scale.share * value));
}
