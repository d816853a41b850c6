/**
 * The flags of `npm run bench`. A bad one is an `Error` that says which.
 */
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { FULL_SCALE, KINDS, type Kind, type Scale, SMOKE_SCALE } from './scenarios.ts';
import { DAEMON_COMMAND, PEERS, type Peer } from './servers.ts';

/** Medians of fewer rounds are decided by one disturbance. */
const ROUNDS = 5;

export interface BenchOptions {
  readonly rounds: number;
  readonly scale: Scale;
  readonly kinds: readonly Kind[];
  readonly peers: readonly Peer[];
  readonly daemonCommand: readonly string[];
  /** Where to write all rounds as JSON. */
  readonly jsonPath: string | undefined;
  /** The most that a hit's CPU time may be over the echo's. */
  readonly gate: number | undefined;
}

export const USAGE = `npm run bench -- [flags]
  --rounds N          rounds, of which the medians are shown (${ROUNDS})
  --seconds S         length of a run (${FULL_SCALE.seconds})
  --only KIND         ${KINDS.join(' or ')}
  --peer NAME         a further row, may be repeated: ${PEERS.join(', ')}
  --daemon COMMAND    the daemon's command, up to its flags
  --json FILE         write all rounds and rows there
  --gate RATIO        exit 1 when a hit costs more than RATIO times the echo's CPU time
  --smoke             one tiny round`;

const FLAGS = {
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  only: { type: 'string' },
  peer: { type: 'string', multiple: true, default: [] },
  daemon: { type: 'string' },
  json: { type: 'string' },
  gate: { type: 'string' },
  smoke: { type: 'boolean', default: false },
} as const satisfies ParseArgsOptionsConfig;

/** Throws an `Error` that names the flag. */
export function parseBenchOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({ args: [...args], options: { ...FLAGS }, strict: true });
  const scale = values.smoke ? SMOKE_SCALE : FULL_SCALE;
  const rounds = numberOf('rounds', values.rounds, 1, 1000) ?? (values.smoke ? 1 : ROUNDS);
  return {
    rounds: Math.floor(rounds),
    scale: { ...scale, seconds: numberOf('seconds', values.seconds, 0.05, 60) ?? scale.seconds },
    kinds: values.only === undefined ? KINDS : [oneOf('only', values.only, KINDS)],
    peers: values.peer.map((name) => oneOf('peer', name, PEERS)),
    daemonCommand: values.daemon?.trim().split(/\s+/) ?? DAEMON_COMMAND,
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
