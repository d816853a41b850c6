/** Whatever is limited shows when it is: the table in limits.ts has every limit, and what it says is true. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SERIES } from '../src/metrics/series.ts';
import { COMMANDS, LIMITS, RANGES } from './limits.ts';

const ROOT = join(import.meta.dirname, '..');
const DECLARATION =
  /^(?:export )?const ((?:[A-Z0-9]+_)*(?:MAX|LIMIT|LIMITS|UNLIMITED)(?:_[A-Z0-9]+)*) =/gm;

const SOURCES = new Map(
  globSync('src/**/*.ts', { cwd: ROOT }).map((path) => [
    path.slice('src/'.length, -'.ts'.length),
    readFileSync(join(ROOT, path), 'utf8'),
  ]),
);
const TEXTS = [...SOURCES.values()].join('\n');

const rows = linesOf(LIMITS).map((line) => {
  const [, file = '', constant = '', shownBy = '', testFile = '', title = ''] =
    /^(\S+) (\S+) = (.+) \| (\S+): (.+)$/.exec(line) ?? [];
  assert(title !== '', `no row of the table: ${line}`);
  return { key: `${file} ${constant}`, shownBy, testFile, title };
});
const ranges = linesOf(RANGES).flatMap((line) => {
  const [room, ...constants] = line.split(' ');
  return constants.map((constant) => `${room} ${constant}`);
});

function linesOf(table: string): string[] {
  return table.trim().split('\n');
}

function isOfCommand(file: string): boolean {
  return COMMANDS.some((room) => file === room || file.startsWith(`${room}/`));
}

test('every limit has its row: what shows that it was reached, and its test', () => {
  const found = [...SOURCES].flatMap(([file, text]) =>
    isOfCommand(file)
      ? []
      : [...text.matchAll(DECLARATION)].map(([, constant]) => `${file} ${constant}`),
  );
  const listed = rows.map(({ key }) => key);
  const roomOf = (key: string) => key.replace(/\/\S+/, '');
  const missing = found.filter((key) => !listed.includes(key) && !ranges.includes(roomOf(key)));
  assert.deepEqual(missing, [], 'a limit needs a row in test/limits.ts: a counter, and a test');
  assert.deepEqual(
    [
      ...listed.filter((key) => !found.includes(key)),
      ...ranges.filter((range) => !found.some((key) => roomOf(key) === range)),
    ],
    [],
    'rows of limits that are not there any more',
  );
  assert.equal(new Set(listed).size, listed.length, 'a limit has one row');
});

test('what shows a limit exists', () => {
  const series = new Set(Object.values(SERIES).map(({ name }) => name as string));
  for (const { key, shownBy } of rows) {
    if (shownBy === 'later') continue;
    const isThere = /^(coredns|zerohop)_/.test(shownBy)
      ? series.has(shownBy)
      : TEXTS.includes(shownBy);
    assert(isThere, `${key}: nothing shows it as ${shownBy}`);
  }
});

test('the tests of limits exist', () => {
  for (const { key, testFile, title } of rows) {
    const text = readFileSync(join(ROOT, 'test', `${testFile}.test.ts`), 'utf8');
    assert(text.includes(title), `${key}: no "${title}" in ${testFile}`);
  }
});
