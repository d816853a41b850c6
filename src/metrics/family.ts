/**
 * A metric family of the Prometheus text format 0.0.4: one name, one type, and a cell for each set of label values.
 *
 * A caller looks its cells up once and keeps them, so that counting is an addition to a field; prom-client's own metrics
 * hash their labels with every call. Families are what prom-client's registry takes: `get` gives their samples. The number
 * of label sets has a bound: beyond it a caller gets a cell that is not shown, and the refusal is counted.
 */
import type { MetricSamples, Sample } from 'prom-client/lib/registry.js';

export type FamilyType = 'counter' | 'gauge' | 'histogram';

/** What does not change in a family; the list of all is series.ts. */
export interface FamilyDescription<
  Type extends FamilyType = FamilyType,
  Names extends readonly string[] = readonly string[],
> {
  readonly name: string;
  readonly type: Type;
  readonly labelNames: Names;
  readonly help: string;
  /** Upper bounds of a histogram, ascending, in the unit of its name; +Inf is not among them. */
  readonly buckets: readonly number[];
}

/** Describes a family of counters. */
export function counter<const Names extends readonly string[]>(
  name: string,
  labelNames: Names,
  help: string,
): FamilyDescription<'counter', Names> {
  return { name, type: 'counter', labelNames, help, buckets: [] };
}

/** Describes a family of gauges. */
export function gauge<const Names extends readonly string[]>(
  name: string,
  labelNames: Names,
  help: string,
): FamilyDescription<'gauge', Names> {
  return { name, type: 'gauge', labelNames, help, buckets: [] };
}

/** Describes a family of histograms with these upper bounds. */
export function histogram<const Names extends readonly string[]>(
  name: string,
  labelNames: Names,
  buckets: readonly number[],
  help: string,
): FamilyDescription<'histogram', Names> {
  return { name, type: 'histogram', labelNames, help, buckets };
}

/** One value for each label name, in the order of the description. */
export type LabelValues<Names extends readonly string[]> = { [Index in keyof Names]: string };

/** A counter or gauge of one label set. */
export interface Cell {
  value: number;
}

/** 200 rows (25 listeners of 4 zones, UDP and TCP) with 20 types each have 4000; beyond that a scrape costs more than it tells. */
export const CELLS_MAX = 4096;

interface Labelled<C> {
  readonly labels: Readonly<Record<string, string>>;
  readonly cell: C;
}

abstract class Family<Names extends readonly string[], C> {
  readonly name: string;
  readonly #description: FamilyDescription<FamilyType, Names>;
  readonly #cells = new Map<string, Labelled<C>>();
  readonly #createCell: () => C;
  readonly #hiddenCell: C;
  #overflowCount = 0;

  constructor(description: FamilyDescription<FamilyType, Names>, createCell: () => C) {
    this.name = description.name;
    this.#description = description;
    this.#createCell = createCell;
    this.#hiddenCell = createCell();
  }

  protected abstract samples(labelled: Labelled<C>): Sample[];

  /** How often a label set was refused since the family had CELLS_MAX of them. */
  get overflowCount(): number {
    return this.#overflowCount;
  }

  /** The cell of these label values, made at zero where there is none. It is theirs until it is removed. */
  cell(...values: LabelValues<Names>): C {
    const key = values.join('\0');
    const present = this.#cells.get(key);
    if (present) return present.cell;
    if (this.#cells.size >= CELLS_MAX) {
      this.#overflowCount++;
      return this.#hiddenCell;
    }
    const { labelNames } = this.#description;
    const labels = Object.fromEntries(labelNames.map((name, index) => [name, values[index]!]));
    const cell = this.#createCell();
    this.#cells.set(key, { labels, cell });
    return cell;
  }

  /** Forgets one label set: its cell, where somebody still holds it, is not shown any more. */
  remove(...values: LabelValues<Names>): void {
    this.#cells.delete(values.join('\0'));
  }

  /** Forgets every label set that `isKept` does not want. */
  retain(isKept: (labels: Readonly<Record<string, string>>) => boolean): void {
    for (const [key, { labels }] of this.#cells) {
      if (!isKept(labels)) this.#cells.delete(key);
    }
  }

  /** The samples of all cells, as prom-client's registry asks for them. */
  get(): MetricSamples {
    const { name, help, type } = this.#description;
    const values = [...this.#cells.values()].flatMap((labelled) => this.samples(labelled));
    return { name, help, type, values, aggregator: 'sum' };
  }
}

const NO_LABELS = {};

/** A family of counters or gauges. */
export class ScalarFamily<Names extends readonly string[] = readonly string[]> extends Family<
  Names,
  Cell
> {
  constructor(description: FamilyDescription<'counter' | 'gauge', Names>) {
    super(description, () => ({ value: 0 }));
  }

  protected samples({ labels, cell }: Labelled<Cell>): Sample[] {
    return [{ labels: NO_LABELS, sharedLabels: labels, value: cell.value }];
  }
}

/** A histogram of one label set. */
export class HistogramCell {
  readonly bounds: readonly number[];
  /** How many observations each bucket has of its own; the last is +Inf. */
  readonly counts: Float64Array;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  /** Counts `value` in the first bucket whose bound is not below it. */
  observe(value: number): void {
    let bucket = 0;
    while (bucket < this.bounds.length && value > this.bounds[bucket]!) bucket++;
    this.counts[bucket]! += 1;
    this.sum += value;
  }
}

/** A family of histograms. */
export class HistogramFamily<Names extends readonly string[] = readonly string[]> extends Family<
  Names,
  HistogramCell
> {
  readonly #bucketLabels: ReadonlyArray<{ readonly le: string }>;

  constructor(description: FamilyDescription<'histogram', Names>) {
    super(description, () => new HistogramCell(description.buckets));
    this.#bucketLabels = [...description.buckets.map(String), '+Inf'].map((le) => ({ le }));
  }

  /** Buckets are cumulative in the exposition; `_count` equals the last one. */
  protected samples({ labels, cell }: Labelled<HistogramCell>): Sample[] {
    const bucketName = `${this.name}_bucket`;
    const samples: Sample[] = [];
    let count = 0;
    for (const [index, le] of this.#bucketLabels.entries()) {
      count += cell.counts[index]!;
      samples.push({ metricName: bucketName, labels: le, sharedLabels: labels, value: count });
    }
    const { sum } = cell;
    samples.push(
      { metricName: `${this.name}_sum`, labels: NO_LABELS, sharedLabels: labels, value: sum },
      { metricName: `${this.name}_count`, labels: NO_LABELS, sharedLabels: labels, value: count },
    );
    return samples;
  }
}
