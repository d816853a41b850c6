/**
 * A strict reader of the Prometheus text format 0.0.4, for the tests of this room. It accepts only what every scraper
 * accepts: HELP, TYPE and the samples of one family together, known label escapes, no label set twice, and histograms
 * whose buckets ascend to a +Inf that equals the count.
 */
import assert from 'node:assert/strict';

export interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface ParsedFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: ParsedSample[];
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const HELP = new RegExp(`^# HELP (${NAME}) (.+)$`, 's');
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram)$`);
const SAMPLE = new RegExp(
  `^(${NAME})(?:\\{(.*)\\})? ([-+]?(?:[0-9.]+(?:e[-+]?[0-9]+)?|Inf))$`,
  's',
);
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,(?=.)|$)/s;

/** The families by name; throws where the text breaks the format. */
export function parseExposition(text: string): Map<string, ParsedFamily> {
  assert.ok(text.endsWith('\n'), 'the text ends with a newline');
  const lines = text
    .slice(0, -1)
    .split('\n')
    .filter((line) => line !== '');
  const families = new Map<string, ParsedFamily>();
  let family: ParsedFamily | undefined;
  while (lines.length > 0) {
    const line = lines.shift()!;
    const help = HELP.exec(line);
    if (help) {
      const type = TYPE.exec(lines.shift() ?? '');
      assert.ok(type, `TYPE follows ${line}`);
      assert.equal(type[1], help[1]);
      assert.ok(!families.has(help[1]!), `${help[1]} is there once`);
      family = { name: help[1]!, help: help[2]!, type: type[2]!, samples: [] };
      families.set(family.name, family);
      continue;
    }
    assert.ok(family, `a family before ${line}`);
    family.samples.push(parseSample(line, family));
  }
  for (const parsed of families.values()) checkFamily(parsed);
  return families;
}

function parseSample(line: string, family: ParsedFamily): ParsedSample {
  const match = SAMPLE.exec(line);
  assert.ok(match, `a sample: ${line}`);
  const [, name = '', labelText = '', valueText = ''] = match;
  const suffixes = family.type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
  assert.ok(
    suffixes.some((suffix) => name === family.name + suffix),
    `${name} of ${family.name}`,
  );
  return { name, labels: parseLabels(labelText), value: parseValue(valueText) };
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  let rest = text;
  while (rest !== '') {
    const match = LABEL.exec(rest);
    assert.ok(match, `a label: ${rest}`);
    const [whole, name = '', escaped = ''] = match;
    assert.ok(!(name in labels), `label ${name} is there once`);
    labels[name] = escaped.replace(/\\(.)/gs, (_, char) => (char === 'n' ? '\n' : char));
    rest = rest.slice(whole.length);
  }
  return labels;
}

function parseValue(text: string): number {
  const value = Number(text.replace('Inf', 'Infinity'));
  assert.ok(!Number.isNaN(value), `a number: ${text}`);
  return value;
}

function checkFamily(family: ParsedFamily): void {
  const seen = new Set<string>();
  for (const { name, labels } of family.samples) {
    const key = `${name} ${JSON.stringify(Object.entries(labels).sort())}`;
    assert.ok(!seen.has(key), `${key} is there once`);
    seen.add(key);
  }
  if (family.type === 'histogram') checkHistogram(family);
}

function checkHistogram(family: ParsedFamily): void {
  const cells = Map.groupBy(family.samples, ({ labels: { le, ...others } }) =>
    JSON.stringify(others),
  );
  for (const [key, samples] of cells) {
    const buckets = samples.filter(({ name }) => name.endsWith('_bucket'));
    const bounds = buckets.map(({ labels }) => parseValue(labels.le!));
    assert.deepEqual(
      bounds,
      [...bounds].sort((one, other) => one - other),
      `bounds of ${key}`,
    );
    assert.equal(bounds.at(-1), Infinity);
    for (const [index, { value }] of buckets.entries()) {
      assert.ok(value >= (buckets[index - 1]?.value ?? 0), `${family.name} ${key} is cumulative`);
    }
    const [count, ...moreCounts] = samples.filter(({ name }) => name.endsWith('_count'));
    assert.equal(count?.value, buckets.at(-1)?.value);
    assert.equal(samples.length - buckets.length, 2);
    assert.equal(moreCounts.length, 0);
  }
}
