/**
 * The resolver's half of the shared counters: which row means what, and what all writers have counted together.
 *
 *   words:   writer 0 [ WRITER | row 0 | row 1 | ... | overflow ]   writer 1 [ WRITER | row 0 | ... ]   ...
 *
 * Protocol. Each writer (a responder thread, or the resolver) adds to its own block alone, with plain stores
 * (counter-words.ts). The resolver never stores into a block: `fold` compares each word with what it read the time before,
 * modulo 2^32, and adds the difference to a Float64 total. A word may wrap between two folds, but not twice: fold every
 * few seconds, at 4 GiB of responses a writer and row. Whatever stood in the words when a row was opened does not count.
 *
 * A row is given away only while no writer uses it: after a reload, open the rows of the new configuration, let every
 * writer take it over, then `retain` them. The caller aligns the memory to 64 octets.
 */
import { assert } from '../base/invariant.ts';
import { ROW, ROW_WORDS, WRITER_WORDS } from './counter-words.ts';

/** What one row counts, in the labels' own spelling. */
export interface RowLabels {
  /** The listener, `dns://169.254.20.10:53`. */
  readonly server: string;
  /** The server block's zone, or `dropped` for what no block took. */
  readonly zone: string;
  readonly protocol: 'udp' | 'tcp';
  /** The client's address family: 1 is IPv4, 2 is IPv6. */
  readonly family: 1 | 2;
  /** The zones of the block's `cache`, joined with commas; undefined: the block has none. */
  readonly cacheZones: string | undefined;
  /** Whether the `coredns_dns_*` series of this row are shown: the block has `prometheus`, or the zone is `dropped`. */
  readonly isReported: boolean;
}

/** The memory that so many rows and writers need; a multiple of 64. */
export function counterBytes(rowCount: number, writerCount: number): number {
  return 4 * writerCount * blockWords(rowCount);
}

/** The word at which a writer's own counters start. */
export function writerBase(rowCount: number, writer: number): number {
  return writer * blockWords(rowCount);
}

/** The word at which a writer's copy of a row starts. */
export function rowBase(rowCount: number, writer: number, row: number): number {
  return writerBase(rowCount, writer) + WRITER_WORDS + row * ROW_WORDS;
}

function blockWords(rowCount: number): number {
  return WRITER_WORDS + (rowCount + 1) * ROW_WORDS;
}

export class CounterRows {
  readonly rowCount: number;
  readonly writerCount: number;
  readonly #words: Int32Array;
  /** Each word as the last fold saw it. */
  readonly #seen: Int32Array;
  /** The growth since it was last taken, of the writers and of each row, all writers together. */
  readonly #growth: Float64Array;
  /** Of each writer, its own words and its rows, as octets: `now` in the memory, `seen` as the last fold saw them. */
  readonly #octets: readonly { readonly now: Uint8Array; readonly seen: Uint8Array }[];
  readonly #labels: (RowLabels | undefined)[];
  /** By a word's offset in a row, or in a writer: what all folds have read since the start, of all rows and writers together. */
  readonly rowTotals: Float64Array = new Float64Array(ROW_WORDS);
  readonly writerTotals: Float64Array = new Float64Array(WRITER_WORDS);
  /** Label sets for which there was no row, each time that one was asked for. */
  overflowCount = 0;
  /** Folds that found something counted, of any writer. */
  changeCount = 0;

  /** `words` starts at the counters and may be longer than they are. */
  constructor(words: Int32Array, rowCount: number, writerCount: number) {
    const wordCount = counterBytes(rowCount, writerCount) / 4;
    assert(words.length >= wordCount, 'the memory holds every row of every writer');
    this.rowCount = rowCount;
    this.writerCount = writerCount;
    this.#words = words;
    this.#seen = copyOf(words, wordCount);
    this.#growth = new Float64Array(blockWords(rowCount));
    this.#labels = new Array(rowCount).fill(undefined);
    this.#octets = Array.from({ length: writerCount }, (_, writer) => {
      const start = writerBase(rowCount, writer);
      const end = rowBase(rowCount, writer, rowCount);
      return { now: octetsOf(words, start, end), seen: octetsOf(this.#seen, start, end) };
    });
  }

  /**
   * The row of these labels: the one that has them, else a free one, which starts at zero. Where there is none, the one behind the
   * others, in which all such count and which nobody reads: a configuration with more zones than were planned for is served.
   */
  open(labels: RowLabels): number {
    const present = this.#labels.findIndex((other) => other && isSameLabels(other, labels));
    if (present !== -1) return present;
    const row = this.#labels.indexOf(undefined);
    if (row === -1) {
      this.overflowCount += 1;
      return this.rowCount;
    }
    this.#labels[row] = labels;
    for (let writer = 0; writer < this.writerCount; writer++) {
      const base = rowBase(this.rowCount, writer, row);
      this.#seen.set(this.#words.subarray(base, base + ROW_WORDS), base);
    }
    const start = WRITER_WORDS + row * ROW_WORDS;
    this.#growth.fill(0, start, start + ROW_WORDS);
    return row;
  }

  /** Closes every other row. */
  retain(rows: ReadonlySet<number>): void {
    for (let row = 0; row < this.rowCount; row++) {
      if (!rows.has(row)) this.#labels[row] = undefined;
    }
  }

  /** The open rows and what they count. */
  opened(): Array<readonly [row: number, labels: RowLabels]> {
    return this.#labels.flatMap((labels, row) => (labels ? [[row, labels] as const] : []));
  }

  /**
   * Reads every open row of every writer. One that has counted nothing since costs a comparison of its memory, which is 1 us where
   * the words one by one take 0.2 ms in a process that is idle and whose code is not compiled.
   */
  fold(): void {
    let isChanged = false;
    for (let writer = 0; writer < this.writerCount; writer++) {
      const { now, seen } = this.#octets[writer]!;
      if (Buffer.compare(now, seen) === 0) continue;
      isChanged = true;
      this.#foldWords(writerBase(this.rowCount, writer), 0, this.writerTotals);
      for (let row = 0; row < this.rowCount; row++) {
        if (!this.#labels[row]) continue;
        const base = rowBase(this.rowCount, writer, row);
        this.#foldWords(base, WRITER_WORDS + row * ROW_WORDS, this.rowTotals);
      }
    }
    if (isChanged) this.changeCount += 1;
  }

  /** Queries answered at a listener over UDP so far, modulo 2^32: its growth is the proof that one came to this process. */
  answeredAt(server: string): number {
    let sum = 0;
    for (const [row, labels] of this.opened()) {
      if (labels.server !== server || labels.protocol !== 'udp') continue;
      for (let writer = 0; writer < this.writerCount; writer++) {
        const base = rowBase(this.rowCount, writer, row) + ROW.requestsByType;
        const byType = this.#words.subarray(base, base + ROW.doRequests - ROW.requestsByType);
        for (const count of byType) sum = (sum + count) | 0;
      }
    }
    return sum >>> 0;
  }

  /** What a row's word at this offset has grown by, in all folds since the last call. */
  takeRow(row: number, offset: number): number {
    return this.#take(WRITER_WORDS + row * ROW_WORDS + offset);
  }

  /** The same for a word of all writers together. */
  takeWriters(offset: number): number {
    return this.#take(offset);
  }

  #foldWords(base: number, growthBase: number, totals: Float64Array): void {
    for (let offset = 0; offset < totals.length; offset++) {
      const now = this.#words[base + offset]!;
      const difference = (now - this.#seen[base + offset]!) >>> 0;
      if (difference === 0) continue;
      this.#seen[base + offset] = now;
      this.#growth[growthBase + offset]! += difference;
      totals[offset]! += difference;
    }
  }

  #take(index: number): number {
    const growth = this.#growth[index]!;
    this.#growth[index] = 0;
    return growth;
  }
}

/** Of the first `count` words. In new memory, which is nothing but zeros, its pages stay untouched: 256 kB. */
function copyOf(words: Int32Array, count: number): Int32Array {
  const copy = new Int32Array(count);
  const isNew = Buffer.compare(octetsOf(words, 0, count), octetsOf(copy, 0, count)) === 0;
  if (!isNew) copy.set(words.subarray(0, count));
  return copy;
}

function octetsOf(words: Int32Array, start: number, end: number): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset + 4 * start, 4 * (end - start));
}

function isSameLabels(one: RowLabels, other: RowLabels): boolean {
  return (
    one.server === other.server &&
    one.zone === other.zone &&
    one.protocol === other.protocol &&
    one.family === other.family &&
    one.cacheZones === other.cacheZones &&
    one.isReported === other.isReported
  );
}
