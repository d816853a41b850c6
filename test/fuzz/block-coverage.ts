/**
 * What of some sources runs, and how often: V8's own precise coverage by block, asked for from within the thread. The fuzzer
 * takes it to tell whether an input goes where none went before; tests of cost take the counts as a measure of work that is
 * the same on every machine.
 */
import assert from 'node:assert/strict';
import { type Profiler, Session } from 'node:inspector';

/** Characters set aside for each source; the largest takes two thirds of them. */
const SOURCE_SIZE = 1 << 14;

/** Characters of the sources one behind the other, SOURCE_SIZE for each: 1 where they have run. */
export type Covered = Uint8Array;

export class BlockCoverage {
  readonly #session = new Session();
  readonly #sources: RegExp;
  readonly #places = new Map<string, number>();

  /** `sources` tells by its URL whether a script counts. Counting starts at once. */
  constructor(sources: RegExp) {
    this.#sources = sources;
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** What has run since the last call. */
  take(): Covered {
    const scripts = this.#scripts();
    for (const { url } of scripts) {
      if (!this.#places.has(url)) this.#places.set(url, this.#places.size * SOURCE_SIZE);
    }
    const covered = new Uint8Array(this.#places.size * SOURCE_SIZE);
    for (const { url, functions } of scripts) {
      const start = this.#places.get(url)!;
      // Inner ranges follow outer ones and count for their characters; inner functions follow outer ones likewise.
      for (const { startOffset, endOffset, count } of functions.flatMap(({ ranges }) => ranges)) {
        assert.ok(endOffset <= SOURCE_SIZE, url);
        covered.fill(count > 0 ? 1 : 0, start + startOffset, start + endOffset);
      }
    }
    return covered;
  }

  /** The blocks that `run` runs, each as often as it runs it. */
  workOf(run: () => void): number {
    this.#scripts();
    run();
    const ranges = this.#scripts().flatMap(({ functions }) => functions.flatMap((f) => f.ranges));
    return ranges.reduce((sum, { count }) => sum + count, 0);
  }

  stop(): void {
    this.#session.post('Profiler.stopPreciseCoverage');
    this.#session.disconnect();
  }

  /** The session is of this thread, so its answer is there when `post` returns. */
  #scripts(): Profiler.ScriptCoverage[] {
    let scripts: Profiler.ScriptCoverage[] = [];
    this.#session.post('Profiler.takePreciseCoverage', (error, { result }) => {
      if (error) throw error;
      scripts = result.filter(({ url }) => this.#sources.test(url));
    });
    return scripts;
  }
}

/** Where `more` has run and `seen` has not, first `limit` places. */
export function newPlaces(
  more: Covered,
  seen: Covered,
  limit = Number.POSITIVE_INFINITY,
): number[] {
  const places: number[] = [];
  for (let at = 0; at < more.length && places.length < limit; at++) {
    if (more[at] === 1 && seen[at] !== 1) places.push(at);
  }
  return places;
}

/** Both together. */
export function united(left: Covered, right: Covered): Covered {
  const [longer, shorter] = left.length >= right.length ? [left, right] : [right, left];
  return longer.map((octet, at) => octet | (shorter[at] ?? 0));
}
