/**
 * The house keeps its own rules: rooms import downward only, as the table in src/README.md says; time, exit and console stay
 * where they belong; no file grows out of hand or is left without a test.
 */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..');
const LINES_MAX = 350;

/** Files that no test of their room reaches, and why. */
const UNTESTED: Readonly<Record<string, string>> = {
  'src/main.ts': 'the daemon: every scenario starts it',
  'src/responder.ts': 'the thread’s entry: every scenario over UDP runs it',
  'src/cli/stand-in/main.ts': 'a command line around stand-in.ts',
  'src/os/capabilities.ts': 'test/life/capabilities.test.ts looks at a running daemon’s',
  'src/os/signal-mask.ts': 'test/os/signal-mask.test.ts runs it in a process of its own',
  ...listed('test/scenario and test/life run it in the daemon', [
    'control/collect',
    'control/control-client',
    'control/control-pages',
    'control/daemon',
    'control/endpoints',
    'control/jitter',
    'control/process',
    'control/reload',
    'control/servers',
    'control/status',
    'control/top',
    'control/udp-backend',
    'server/admission',
    'server/block',
    'server/question',
    'server/replies',
    'server/resolver',
    'server/stale',
  ]),
  ...listed('test/cli/zerohop.test.ts and those beside it run it as an operator does', [
    'cli/address-option',
    'cli/control-option',
    'cli/doctor',
    'cli/lint',
    'cli/live-terminal',
    'cli/reload',
    'cli/render',
    'cli/status',
    'cli/top',
    'cli/zerohop',
  ]),
  ...listed('test/host/node/daemon.test.ts runs it in the daemon', [
    'control/node',
    'control/privileges',
    'control/self-targets',
    'control/vitals',
  ]),
  ...listed('test/host/node/doctor.test.ts runs the command on a node of its own', [
    'doctor/namespace-process',
    'doctor/this-node',
  ]),
  ...listed('test/cli/demo.test.ts runs it in a process of its own', [
    'cli/demo',
    'cli/demo-configuration',
    'cli/demo-ports',
  ]),
};

function listed(reason: string, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [`src/${name}.ts`, reason]));
}

interface SourceFile {
  /** From the root of the tree, with slashes. */
  readonly path: string;
  readonly text: string;
}

function filesIn(...patterns: string[]): SourceFile[] {
  return globSync(patterns, { cwd: ROOT }).map((path) => {
    return { path, text: readFileSync(join(ROOT, path), 'utf8') };
  });
}

const SOURCES = filesIn('src/**/*.ts').filter(({ path }) => !path.endsWith('.d.ts'));
const TESTS = filesIn('test/**/*.ts');

/** The first folder under src, or the file's own name where it stands at the top. */
function roomOf(path: string): string {
  return path.split('/')[1]!;
}

/** Paths from the root that a file imports, of files in this tree. */
function importsOf({ path, text }: SourceFile): string[] {
  const specifiers = text.matchAll(/(?:from|import)\s*\(?\s*'(\.{1,2}\/[^']+)'/g);
  return [...specifiers].map(([, specifier]) => normalize(join(dirname(path), specifier!)));
}

/** Which rooms each room may import, by the table in src/README.md. */
function readTable(): Map<string, ReadonlySet<string>> {
  const readme = readFileSync(join(ROOT, 'src/README.md'), 'utf8');
  const rows = readme.matchAll(/^\| (`.+?) \|.*\| (.+?) \|$/gm);
  const allowed = new Map<string, ReadonlySet<string>>();
  for (const [, rooms, imports] of rows) {
    const names = [...rooms!.matchAll(/`([^`/]+)\/?`/g)].map(([, name]) => name!);
    const above = [...allowed.keys()];
    const listed = imports!.split(/,\s*/);
    const isAll = imports === 'all of the above' || imports === 'all';
    for (const name of names) {
      const own = isAll ? [...above, ...names] : listed.filter((room) => room !== 'nothing');
      for (const room of own) {
        assert.ok(above.includes(room) || names.includes(room), `${name} may import ${room}`);
      }
      allowed.set(name, new Set([...own, name]));
    }
  }
  return allowed;
}

/** Paths of the files whose text matches, but those that `exempt` takes out. */
function offenders(
  pattern: RegExp,
  exempt: (path: string) => boolean = () => false,
  files = SOURCES,
): string[] {
  return pathsOf(files.filter(({ path, text }) => !exempt(path) && pattern.test(text)));
}

function pathsOf(files: readonly SourceFile[]): string[] {
  return files.map(({ path }) => path);
}

const inRooms = (...rooms: string[]) => {
  return (path: string) => rooms.includes(roomOf(path));
};

test('rooms import downward only, as the table in src/README.md says', () => {
  const allowed = readTable();
  assert.ok(allowed.size >= 12);
  const wrong: string[] = [];
  for (const source of SOURCES) {
    const rooms = allowed.get(roomOf(source.path));
    assert.ok(rooms, `${source.path} is in no room of the table`);
    for (const imported of importsOf(source)) {
      if (!rooms.has(roomOf(imported))) wrong.push(`${source.path} imports ${imported}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('sources import no test', () => {
  const wrong = SOURCES.filter((source) =>
    importsOf(source).some((imported) => !imported.startsWith('src/')),
  );
  assert.deepEqual(pathsOf(wrong), []);
});

test('the console is for commands only', () => {
  assert.deepEqual(offenders(/\bconsole\./, inRooms('cli')), []);
});

test('only entry points and control end the process', () => {
  const mayExit = inRooms('main.ts', 'cli', 'control');
  assert.deepEqual(offenders(/\bprocess\.(exit|abort|kill)\b/, mayExit), []);
});

test('wire and cache know neither clock nor timers', () => {
  const time =
    /\bDate\b|\bperformance\b|\bhrtime\b|\bset(Timeout|Interval|Immediate)\b|base\/clock/;
  assert.deepEqual(
    offenders(time, (path) => !inRooms('wire', 'cache')(path)),
    [],
  );
});

test('what takes megabytes, and a plain daemon does without, is not imported', () => {
  // 1.4, 7 and more: `process.getBuiltinModule` where it is needed, os/random.ts, base/digest.ts and base/invariant.ts elsewhere.
  const large = /^import (?!type ).*'node:(assert\/strict|assert|crypto|http|https|http2|tls)';$/m;
  assert.deepEqual(offenders(large, inRooms('cli', 'doctor', 'cluster')), []);
});

test('a responder thread loads few of Node’s modules: each has its own heap', () => {
  const byPath = new Map(SOURCES.map((source) => [source.path, source]));
  const loaded = new Set<string>();
  const pending = ['src/responder.ts'];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const source = byPath.get(path);
    if (source === undefined || loaded.has(path)) continue;
    loaded.add(path);
    pending.push(...importsOf({ path, text: source.text.replace(/^import type [^;]*;$/gm, '') }));
  }
  assert.ok(loaded.size > 30);
  const modules = [...loaded].flatMap((path) => {
    const imports = byPath.get(path)!.text.matchAll(/^import (?!type )[^;]*'(node:[^']+)';$/gm);
    return [...imports].map(([, name]) => name!);
  });
  assert.deepEqual([...new Set(modules)].sort(), ['node:module', 'node:os', 'node:worker_threads']);
});

test('nothing is left to be done later', () => {
  assert.deepEqual(offenders(/\b(FIXME|TODO|XXX|HACK)\b/), []);
});

test('no path of somebody’s machine, no address of a package registry', () => {
  const machine = /['"`\s(]\/(home|work|Users)\/|\bregistry\.(npmjs|yarnpkg)\b/;
  const isThis = (path: string) => path === 'test/tidy.test.ts';
  assert.deepEqual(offenders(machine, isThis, [...SOURCES, ...TESTS]), []);
});

test(`no source has more than ${LINES_MAX} lines`, () => {
  const long = SOURCES.filter(({ text }) => text.trimEnd().split('\n').length > LINES_MAX);
  assert.deepEqual(pathsOf(long), []);
});

test('every source starts with what it is for', () => {
  const silent = SOURCES.filter(({ text }) => !/^(#!.*\n)?\/\*\*/.test(text));
  assert.deepEqual(pathsOf(silent), []);
});

/** Whether nothing is left of a file when its types are taken out. */
function hasOnlyTypes({ text }: SourceFile): boolean {
  const code = stripTypeScriptTypes(text).replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
  return code.replace(/import\b[^;]*;|export\s*\{\s*\}/g, '').trim() === '';
}

/** The sources that tests in their room's folder import, and what those import within the room. */
function reachedByTests(): ReadonlySet<string> {
  const byPath = new Map(SOURCES.map((source) => [source.path, source]));
  const reached = new Set<string>();
  const pending = TESTS.flatMap((file) => {
    return importsOf(file).filter((path) => roomOf(path) === roomOf(file.path));
  });
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const source = byPath.get(path);
    if (source === undefined || reached.has(path)) continue;
    reached.add(path);
    pending.push(...importsOf(source).filter((next) => roomOf(next) === roomOf(path)));
  }
  return reached;
}

test('every source is reached by a test of its room', () => {
  const reached = reachedByTests();
  const without = pathsOf(
    SOURCES.filter((source) => !reached.has(source.path) && !hasOnlyTypes(source)),
  );
  const unlisted = without.filter((path) => UNTESTED[path] === undefined);
  assert.deepEqual(unlisted, []);
  const outdated = Object.keys(UNTESTED).filter((path) => !without.includes(path));
  assert.deepEqual(outdated, [], 'listed, but it is reached by a test or is not there');
});
