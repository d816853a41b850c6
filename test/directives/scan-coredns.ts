/**
 * Compares `coredns-options.ts` with a checkout of CoreDNS that has its history:
 *
 *     node test/directives/scan-coredns.ts CHECKOUT [RELEASE...]
 *
 * For each of node-cache's directives and each release (1.13.2, 1.14.4 and 1.14.7 if none is given) it takes the first words of
 * the lines in the blocks of the manual page's syntax section, and the words that the parser tells apart. It prints each word that
 * the table does not know, and each row of the table whose word is there before its `since` or missing from then on. Exits 1 if it
 * printed one.
 */
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { DIRECTIVE_ORDER, type DirectiveName } from '../../src/directives/order.ts';
import { COREDNS_OPTIONS, type OptionFacts } from './coredns-options.ts';

/** Folders that are not named as their directive. */
const FOLDERS: Partial<Record<DirectiveName, string>> = { prometheus: 'metrics' };

/** Words of parsers and pages that are no option: values of other plugins' examples, names of transports. */
const NO_OPTION = new Set(['tcp', 'weighted', 'erratic', 'whoami', 'domain-name1', 'domain-name2']);

const { positionals } = parseArgs({ allowPositionals: true });
const [checkout, ...given] = positionals;
if (checkout === undefined) throw new Error('usage: scan-coredns.ts CHECKOUT [RELEASE...]');
const releases = given.length > 0 ? given : ['1.13.2', '1.14.4', '1.14.7'];

function git(...args: string[]): string {
  return execFileSync('git', ['-C', checkout!, ...args], { encoding: 'utf8' });
}

/** The manual page and the sources of a directive, tests left out. */
function filesOf(name: DirectiveName, release: string): Map<string, string> {
  const folder = `plugin/${FOLDERS[name] ?? name}/`;
  const paths = git('ls-tree', '--name-only', `v${release}`, folder).split('\n');
  const wanted = paths.filter((path) => /README\.md$|(?<!_test)\.go$/.test(path));
  return new Map(wanted.map((path) => [path, git('show', `v${release}:${path}`)]));
}

/** First words of indented lines in the fenced parts of the syntax section. */
function wordsOfPage(page: string): string[] {
  const syntax = /^## Syntax\n(.*?)(?=^## )/ms.exec(page)?.[1] ?? '';
  const fenced = [...syntax.matchAll(/^(~~~|```).*?\n(.*?)^\1/gms)].map((match) => match[2]!);
  return fenced.flatMap((text) =>
    [...text.matchAll(/^[ \t]+\[?([a-z][a-z0-9_-]*)/gm)].map((match) => match[1]!),
  );
}

/** The texts that a parser's `case` lines and comparisons name. */
function wordsOfSource(text: string): string[] {
  const cases = [...text.matchAll(/^\s*case (".*?"):/gm)].map((match) => match[1]!);
  const compared = [...text.matchAll(/(?:block|arg|endpoint) == ("\w+")/g)].map(
    (match) => match[1]!,
  );
  return [...cases, ...compared].flatMap((list) =>
    [...list.matchAll(/"([a-z][a-z0-9_]*)"/g)].map((match) => match[1]!),
  );
}

/** Every word that the table has for a directive. */
function knownWords(name: DirectiveName): Set<string> {
  const texts = COREDNS_OPTIONS[name].options.flatMap((row) => [
    row.option,
    row.shape,
    row.default ?? '',
    ...row.accepted,
    ...row.rejected,
  ]);
  return new Set([name, ...texts.join(' ').split(/[^\w-]+/)]);
}

function isNoEarlier(release: string, since: OptionFacts['since']): boolean {
  return since !== 'next' && release.localeCompare(since, 'en', { numeric: true }) >= 0;
}

function differences(name: DirectiveName, release: string): string[] {
  const files = filesOf(name, release);
  const known = knownWords(name);
  const found = [...files].flatMap(([path, text]) =>
    path.endsWith('.md') ? wordsOfPage(text) : wordsOfSource(text),
  );
  const unknown = [...new Set(found)].filter((word) => !known.has(word) && !NO_OPTION.has(word));
  const whole = [...files.values()].join('\n');
  const misplaced = COREDNS_OPTIONS[name].options.filter(({ mark, since }) => {
    if (mark === undefined) return false;
    const isThere = new RegExp(`(?<![\\w-])${mark}(?!\\w)`, 'i').test(whole);
    return isThere !== isNoEarlier(release, since);
  });
  return [
    ...unknown.map((word) => `${release} ${name}: '${word}' is not in the table`),
    ...misplaced.map(({ option, mark, since }) => {
      return `${release} ${name} ${option}: '${mark}' does not fit 'since ${since}'`;
    }),
  ];
}

const all = releases.flatMap((release) =>
  DIRECTIVE_ORDER.flatMap((name) => differences(name, release)),
);
const summary = `${DIRECTIVE_ORDER.length} directives, ${releases.join(', ')}: ${all.length} differences`;
process.stdout.write(`${[...all, summary].join('\n')}\n`);
if (all.length > 0) process.exitCode = 1;
