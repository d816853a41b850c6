/**
 * Fuzzing guided by coverage: inputs are mutated, and those that run code which none before them ran are kept and mutated
 * further. Asking V8 what has run costs about as much as fifty inputs, so it is asked once a batch, and once an input only for
 * a batch that brought something new. An input that never returns is not noticed here: whoever runs it watches the clock.
 */
import { BlockCoverage, type Covered, newPlaces, united } from './block-coverage.ts';
import { below, mutated, pick, type Random, spliced } from './mutations.ts';
import type { Target } from './targets.ts';

const BATCH = 64;
/** A message of a few records or a Corefile of a few blocks: in larger inputs few mutations matter. */
const INPUT_SIZE_MAX = 1024;

/** An input for which something does not hold. */
export interface Finding {
  readonly input: Uint8Array;
  readonly error: unknown;
}

export interface FuzzerOptions {
  readonly random: Random;
  /** Called with each input before it runs. */
  readonly onInput?: (input: Uint8Array) => void;
}

export class Fuzzer {
  /** The inputs that each ran something new, in the order in which they came. */
  readonly corpus: Uint8Array[] = [];
  inputCount = 0;
  readonly #target: Target;
  readonly #options: FuzzerOptions;
  readonly #coverage: BlockCoverage;
  #seen: Covered = new Uint8Array(0);

  constructor(target: Target, options: FuzzerOptions) {
    this.#target = target;
    this.#options = options;
    this.#coverage = new BlockCoverage(target.sources);
  }

  /** Characters of the sources that have run so far. */
  get coveredCount(): number {
    return this.#seen.reduce((sum, hasRun) => sum + hasRun, 0);
  }

  close(): void {
    this.#coverage.stop();
  }

  /** Runs the inputs and keeps those that bring something new; the first that fails, if any. */
  load(inputs: readonly Uint8Array[]): Finding | undefined {
    this.#coverage.take();
    for (const input of inputs) {
      const finding = this.#run(input);
      if (finding) return finding;
      const covered = this.#coverage.take();
      if (!this.#isNew(covered)) continue;
      this.corpus.push(input);
      this.#seen = united(this.#seen, covered);
    }
    return undefined;
  }

  /** Tries one batch of mutations; the first that fails, if any. */
  tryBatch(): Finding | undefined {
    const inputs = Array.from({ length: BATCH }, () => this.#next());
    for (const input of inputs) {
      const finding = this.#run(input);
      if (finding) return finding;
    }
    return this.#isNew(this.#coverage.take()) ? this.load(inputs) : undefined;
  }

  #isNew(covered: Covered): boolean {
    return newPlaces(covered, this.#seen, 1).length > 0;
  }

  #next(): Uint8Array {
    const { random } = this.#options;
    const [first = new Uint8Array(0)] = this.corpus;
    let input = this.corpus.length === 0 ? first : pick(random, this.corpus);
    if (random() < 0.1) input = spliced(input, pick(random, [first, ...this.corpus]), random);
    const { tokens } = this.#target;
    if (tokens.length === 0 || random() < 0.3) input = mutated(input, random);
    else {
      const at = below(random, input.length + 1);
      const token = Buffer.from(pick(random, tokens));
      input = Buffer.concat([input.subarray(0, at), token, input.subarray(at)]);
    }
    return input.subarray(0, INPUT_SIZE_MAX);
  }

  #run(input: Uint8Array): Finding | undefined {
    this.#options.onInput?.(input);
    this.inputCount += 1;
    try {
      this.#target.run(input);
      return undefined;
    } catch (error) {
      return { input, error };
    }
  }
}

/** As few and as small inputs as run the same code: smallest first, each cut down as long as it brings what it brings. */
export function minimized(target: Target, inputs: readonly Uint8Array[]): Uint8Array[] {
  const coverage = new BlockCoverage(target.sources);
  const coveredBy = (input: Uint8Array) => {
    coverage.take();
    target.run(input);
    return coverage.take();
  };
  let seen: Covered = new Uint8Array(0);
  const kept: Uint8Array[] = [];
  for (const input of inputs.toSorted((left, right) => left.length - right.length)) {
    const fresh = newPlaces(coveredBy(input), seen);
    if (fresh.length === 0) continue;
    const small = shrunk(input, (shorter) => {
      const covered = coveredBy(shorter);
      return fresh.every((place) => covered[place] === 1);
    });
    seen = united(seen, coveredBy(small));
    kept.push(small);
  }
  coverage.stop();
  return kept;
}

/** Leaves out pieces, large ones first, for as long as `holds`. */
function shrunk(input: Uint8Array, holds: (input: Uint8Array) => boolean): Uint8Array {
  let result = input;
  for (let size = input.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at + size <= result.length; ) {
      const shorter = Buffer.concat([result.subarray(0, at), result.subarray(at + size)]);
      if (holds(shorter)) result = shorter;
      else at += size;
    }
  }
  return result;
}
