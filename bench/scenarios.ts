/**
 * What is measured: the flags of the load generator for each scenario, in the order in which the table shows them.
 */

/** Lengths and rates of a run; `--smoke` makes them tiny. */
export interface Scale {
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly hitsPerSecond: number;
  readonly missesPerSecond: number;
}

/** The rates of a busy node: what the benchmark's figures are compared at. */
export const FULL_SCALE: Scale = {
  seconds: 5,
  warmupSeconds: 0.5,
  hitsPerSecond: 20_000,
  missesPerSecond: 8000,
};

/** Says nothing about speed; keeps the bench from rotting. */
export const SMOKE_SCALE: Scale = {
  seconds: 0.15,
  warmupSeconds: 0.05,
  hitsPerSecond: 2000,
  missesPerSecond: 500,
};

export const KINDS = ['hits', 'misses'] as const;
export type Kind = (typeof KINDS)[number];

export interface Scenario {
  readonly name: string;
  readonly kind: Kind;
  /** Flags of `load/cli.ts` for a round; rounds count from 0. */
  flags(round: number): string[];
}

/** A working set as a node's pods have it: small, and asked again and again. */
const HIT_NAMES = 200;
const WINDOW = 128;

export function scenarios(scale: Scale): Scenario[] {
  const lengths = [`--seconds=${scale.seconds}`, `--warmup=${scale.warmupSeconds}`];
  const hits = [...lengths, `--names=${HIT_NAMES}`, '--prime'];
  const missNames = Math.ceil(scale.missesPerSecond * (scale.seconds + scale.warmupSeconds));
  return [
    {
      name: `hits, closed window of ${WINDOW}`,
      kind: 'hits',
      flags: () => [...hits, `--window=${WINDOW}`],
    },
    {
      // The load's core does nothing else: polling shows the server's latency without the waking of a client.
      name: `hits, open loop at ${scale.hitsPerSecond} a second`,
      kind: 'hits',
      flags: () => [...hits, `--rate=${scale.hitsPerSecond}`, '--spin'],
    },
    {
      // The upstream shares the load's core, hence no polling. Names of a round of their own: none was ever asked.
      name: `misses, open loop at ${scale.missesPerSecond} a second`,
      kind: 'misses',
      flags: (round) => [
        ...lengths,
        `--rate=${scale.missesPerSecond}`,
        `--names=${missNames}`,
        '--order=once',
        `--prefix=m${round}x`,
      ],
    },
  ];
}
