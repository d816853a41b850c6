/**
 * Small changes to octets, in the places where parsers of DNS messages and of text go wrong. Each is drawn from a source of
 * random numbers, so that a seed repeats all of them.
 */

/** Numbers in [0, 1). */
export type Random = () => number;

/** May change the octets that it is given. */
type Mutation = (octets: Uint8Array, random: Random) => Uint8Array;

/** Ends of ranges: of signed and unsigned octets, of labels (63, 64), of pointers (0xc0), of OPT's type. */
const EDGES = [0, 1, 2, 12, 41, 63, 64, 127, 128, 191, 192, 193, 254, 255];
/** Mutations of one input at most; most get fewer. */
const ROUNDS_MAX = 4;

/** A whole number below `bound`, which is at least 1. */
export function below(random: Random, bound: number): number {
  return Math.floor(random() * bound);
}

export function pick<T>(random: Random, choices: readonly T[]): T {
  return choices[below(random, choices.length)]!;
}

export function randomOctets(random: Random, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, () => below(random, 256));
}

/** A copy with one to four mutations. */
export function mutated(octets: Uint8Array, random: Random): Uint8Array {
  let result: Uint8Array = Uint8Array.from(octets);
  for (let rounds = 1 + below(random, ROUNDS_MAX); rounds > 0; rounds--) {
    result =
      result.length === 0 ? randomOctets(random, 12) : pick(random, MUTATIONS)(result, random);
  }
  return result;
}

/** The start of one and the end of the other. */
export function spliced(left: Uint8Array, right: Uint8Array, random: Random): Uint8Array {
  const head = left.subarray(0, below(random, left.length + 1));
  const tail = right.subarray(below(random, right.length + 1));
  return Buffer.concat([head, tail]);
}

function replaced(octets: Uint8Array, at: number, removed: number, ...inserted: Uint8Array[]) {
  const tail = octets.subarray(Math.min(octets.length, at + removed));
  return new Uint8Array(Buffer.concat([octets.subarray(0, at), ...inserted, tail]));
}

const flipBit: Mutation = (octets, random) => {
  const at = below(random, octets.length);
  octets[at] = octets[at]! ^ (1 << below(random, 8));
  return octets;
};

const setEdge: Mutation = (octets, random) => {
  octets[below(random, octets.length)] = pick(random, EDGES);
  return octets;
};

const addLittle: Mutation = (octets, random) => {
  const at = below(random, octets.length);
  octets[at] = octets[at]! + below(random, 9) - 4;
  return octets;
};

const truncate: Mutation = (octets, random) => octets.slice(0, below(random, octets.length));

const removePiece: Mutation = (octets, random) =>
  replaced(octets, below(random, octets.length), 1 + below(random, 8));

const insertOctets: Mutation = (octets, random) => {
  const octet =
    random() < 0.5
      ? randomOctets(random, 1 + below(random, 8))
      : Uint8Array.of(pick(random, EDGES));
  return replaced(octets, below(random, octets.length + 1), 0, octet);
};

const repeatPiece: Mutation = (octets, random) => {
  const from = below(random, octets.length);
  const piece = octets.slice(from, from + 1 + below(random, 32));
  return replaced(octets, below(random, octets.length + 1), 0, piece);
};

/** A section's count in the header. */
const setCount: Mutation = (octets, random) => {
  const at = 4 + 2 * below(random, 4);
  const count = random() < 0.8 ? below(random, 4) : below(random, 65_536);
  if (octets.length >= at + 2) octets.set([count >> 8, count & 0xff], at);
  return octets;
};

/** A compression pointer, mostly to a place in the message. */
const setPointer: Mutation = (octets, random) => {
  const target = below(random, random() < 0.9 ? octets.length : 0x4000);
  return replaced(
    octets,
    below(random, octets.length),
    2,
    Uint8Array.of(0xc0 | (target >> 8), target),
  );
};

/** An OPT record, or one with an option, at the end. */
const appendOpt: Mutation = (octets, random) => {
  const option = random() < 0.5 ? [] : [0, below(random, 20), 0, below(random, 6), 1, 2, 3];
  const opt = [0, 0, 41, 4, 208, 0, below(random, 2), pick(random, [0, 128]), 0, 0, option.length];
  return replaced(octets, octets.length, 0, Uint8Array.from([...opt, ...option]));
};

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  flipBit,
  setEdge,
  addLittle,
  truncate,
  removePiece,
  insertOctets,
  repeatPiece,
  setCount,
  setPointer,
  appendOpt,
];
