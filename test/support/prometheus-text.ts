/**
 * Reads the text exposition format (version 0.0.4) as far as tests need it: samples with their labels; comments, types
 * and timestamps are skipped.
 */

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** The samples of one scrape. */
export class Scrape {
  readonly samples: readonly Sample[];

  /** Throws at a line that is neither a comment nor a sample. */
  constructor(text: string) {
    this.samples = text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map(readSample);
  }

  /** Samples of the series whose labels include `labels`. */
  matching(series: string, labels: Labels = {}): Sample[] {
    const wanted = Object.entries(labels);
    return this.samples.filter(
      (sample) =>
        sample.name === series && wanted.every(([name, value]) => sample.labels[name] === value),
    );
  }

  /** The one sample that matches; undefined where there is none, throws where there are several. */
  value(series: string, labels?: Labels): number | undefined {
    const [first, second] = this.matching(series, labels);
    if (second !== undefined) throw new Error(`${series} has several samples for these labels`);
    return first?.value;
  }

  /** The sum of the samples that match; 0 where there is none. */
  sum(series: string, labels?: Labels): number {
    return this.matching(series, labels).reduce((sum, { value }) => sum + value, 0);
  }
}

function readSample(line: string): Sample {
  const match = SAMPLE.exec(line);
  if (match === null) throw new Error(`not a sample: ${line}`);
  const labels = [...(match[2] ?? '').matchAll(LABEL)].map(([, name, value]) => [
    name!,
    value!.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped)),
  ]);
  return { name: match[1]!, labels: Object.fromEntries(labels), value: readValue(match[3]!) };
}

function readValue(text: string): number {
  return text.endsWith('Inf') ? Number(text.replace('Inf', 'Infinity')) : Number(text);
}
