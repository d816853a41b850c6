/**
 * The flags of `npm run bench`. A bad one is an `Error` that says which.
 */
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { DAEMON_COMMAND, PEERS, type Peer } from './servers.ts';
import { FULL_SCALE, KINDS, type Scale, SMOKE_SCALE } from './workload/workload.ts';
import { WORKLOAD_NAMES } from './workload/workloads.ts';

/** Medians of fewer rounds are decided by one disturbance. */
const ROUNDS = 5;

export interface BenchOptions {
  readonly rounds: number;
  readonly scale: Scale;
  /** Names and kinds of workloads; empty: all. */
  readonly only: readonly string[];
  readonly peers: readonly Peer[];
  readonly daemonCommand: readonly string[];
  /** The peer's binary. */
  readonly nodeCache: string | undefined;
  /** Whether hits are measured too as the cache grows. */
  readonly grows: boolean;
  /** Where to write the rows as JSON. */
  readonly jsonPath: string | undefined;
  /** The most that a hit's CPU time may be over the echo's. */
  readonly gate: number | undefined;
}

export const USAGE = `npm run bench -- [flags]
  --rounds N          rounds, of which the medians are shown (${ROUNDS})
  --seconds S         length of a run (${FULL_SCALE.seconds})
  --only NAME         a workload or a kind of them, may be repeated:
                      ${KINDS.join(', ')};
                      ${WORKLOAD_NAMES.join(', ')}
  --peer NAME         a further row, may be repeated: ${PEERS.join(', ')}
  --node-cache FILE   the binary of the peer node-cache; makes it one
  --growth            measure hits as the cache grows to a million names too (two minutes)
  --daemon COMMAND    the daemon's command, up to its flags
  --json FILE         write the rows there, with facts of the machine
  --gate RATIO        exit 1 when a hit costs more than RATIO times the echo's CPU time
  --smoke             one tiny round`;

const FLAGS = {
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  only: { type: 'string', multiple: true, default: [] },
  'node-cache': { type: 'string' },
  peer: { type: 'string', multiple: true, default: [] },
  growth: { type: 'boolean', default: false },
  daemon: { type: 'string' },
  json: { type: 'string' },
  gate: { type: 'string' },
  smoke: { type: 'boolean', default: false },
} as const satisfies ParseArgsOptionsConfig;

/** Throws an `Error` that names the flag. */
export function parseBenchOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({ args: [...args], options: { ...FLAGS }, strict: true });
  const peers = values.peer.map((name) => oneOf('peer', name, PEERS));
  const scale = values.smoke ? SMOKE_SCALE : FULL_SCALE;
  const rounds = numberOf('rounds', values.rounds, 1, 1000) ?? (values.smoke ? 1 : ROUNDS);
  return {
    rounds: Math.floor(rounds),
    scale: { ...scale, seconds: numberOf('seconds', values.seconds, 0.05, 60) ?? scale.seconds },
    only: values.only.map((name) => oneOf('only', name, [...KINDS, ...WORKLOAD_NAMES])),
    peers: values['node-cache'] ? [...peers, 'node-cache'] : peers,
    nodeCache: values['node-cache'],
    daemonCommand: values.daemon?.trim().split(/\s+/) ?? DAEMON_COMMAND,
    grows: values.growth,
    jsonPath: values.json,
    gate: numberOf('gate', values.gate, 0.1, 100),
  };
}

function numberOf(
  flag: string,
  text: string | undefined,
  least: number,
  most: number,
): number | undefined {
  if (text === undefined) return undefined;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value >= least && value <= most) return value;
  throw new Error(`--${flag}: expected a number from ${least} to ${most}, got "${text}"`);
}

function oneOf<Name extends string>(flag: string, text: string, names: readonly Name[]): Name {
  const name = names.find((candidate) => candidate === text);
  if (name === undefined) throw new Error(`--${flag}: expected one of ${names.join(', ')}`);
  return name;
}
