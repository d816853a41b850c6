/**
 * Makes `dist/` from `src/`: plain JavaScript in few files. A start loads some 250 modules and as many of packages; as one file
 * each half of the start went into finding and linking them (bench/start.ts).
 *
 *     npm run build
 *
 *     dist/main.js, responder.js, cli/zerohop.js     entry files, where src has them
 *     dist/rooms/*.js                                what they share, and what is loaded later; one level deep, as in src,
 *                                                    so that `import.meta.url` leads to the same neighbours
 *     dist/cli/node-cache, zerohop, launch.sh        the launchers, as they are
 *
 * Nothing is minified: a stack trace names functions and lines that a reader can find. But V8 keeps the text of what it runs, in
 * each thread: comments are left out, and every character takes one octet.
 */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, transformSync } from 'esbuild';

const ROOT = join(import.meta.dirname, '../..');
const DIST = join(ROOT, 'dist');

/** By their place in dist: what is started, and what is loaded by its path. */
const ENTRIES = {
  main: 'main',
  responder: 'responder',
  'cli/zerohop': 'cli/zerohop',
  'rooms/template': 'directives/template',
  'rooms/template-stage': 'directives/template-stage',
  'rooms/namespace-process': 'doctor/namespace-process',
} as const;

const LAUNCHERS = ['node-cache', 'zerohop', 'launch.sh'];

/** koffi finds its native part beside itself; re2js is loaded with the first regular expression. */
const EXTERNAL = ['koffi', 're2js'];

/** CommonJS packages inside the bundle ask for Node's own modules with it; a file without such a package does without. */
const REQUIRE = `import { createRequire as createRequireOf } from 'node:module';
const require = createRequireOf(import.meta.url);
`;

rmSync(DIST, { recursive: true, force: true });
const { metafile } = await build({
  absWorkingDir: ROOT,
  entryPoints: Object.fromEntries(
    Object.entries(ENTRIES).map(([out, source]) => [out, `src/${source}.ts`]),
  ),
  outdir: 'dist',
  chunkNames: 'rooms/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node26',
  external: EXTERNAL,
  metafile: true,
  logLevel: 'warning',
});
for (const path of Object.keys(metafile.outputs)) finish(join(ROOT, path));
mkdirSync(join(DIST, 'cli'), { recursive: true });
for (const name of LAUNCHERS) copyFileSync(join(ROOT, 'src/cli', name), join(DIST, 'cli', name));

/** Whose code is in dist: the image keeps their package.json and licence (deploy/image/pack.ts). */
const bundled = new Set(
  Object.keys(metafile.inputs).flatMap((path) => {
    const [, name] = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path) ?? [];
    return name === undefined ? [] : [name];
  }),
);
writeFileSync(
  join(DIST, 'packages.json'),
  `${JSON.stringify({ bundled: [...bundled].sort(), external: EXTERNAL }, undefined, 2)}\n`,
);
const paths = Object.keys(metafile.outputs);
const bytes = paths.reduce((sum, path) => sum + readFileSync(join(ROOT, path)).length, 0);
console.log(`dist: ${paths.length} files, ${(bytes / 1e6).toFixed(1)} MB of JavaScript`);

/** Takes the comments out: they go with the white space, which comes back. */
function finish(path: string): void {
  const options = { format: 'esm', target: 'node26' } as const;
  const dense = transformSync(readFileSync(path, 'utf8'), { ...options, minifyWhitespace: true });
  const { code } = transformSync(dense.code, options);
  const wide = /[^\0-\xff]/.exec(code);
  assert(
    !wide,
    `${path}: "${wide?.[0]}" makes V8 take two octets for each character: write it \\u…`,
  );
  writeFileSync(path, /\brequire\b/.test(code) ? REQUIRE + code : code);
}
