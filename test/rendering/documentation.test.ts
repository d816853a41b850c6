/** docs/configuration.md says what the code does: its example renders as shown, and every kind of refusal and placeholder is there. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { printCorefile } from '../../src/corefile/printer.ts';
import { NO_SETTINGS, readKubeDns } from '../../src/rendering/kube-dns.ts';
import { PROBLEM_KINDS } from '../../src/rendering/problem.ts';
import { stubBlocks } from '../../src/rendering/stub-blocks.ts';

const DOCS = readFileSync(join(import.meta.dirname, '../../docs/configuration.md'), 'utf8');

test('the example of a stub domain renders as shown', () => {
  const [, text] = /a JSON object: `(.*)`/.exec(DOCS)!;
  const keys = new Map([['stubDomains', { path: 'stubDomains', text }]]);
  const { settings, problems } = readKubeDns(keys, NO_SETTINGS);
  assert.deepEqual(problems, []);
  const options = { path: 'stubDomains', port: 53, localIps: ['169.254.20.10'] };
  const { blocks } = stubBlocks(settings.stubDomains, [], options);
  const [, shown] = /```corefile\n([\s\S]*?)```/.exec(DOCS)!;
  assert.equal(printCorefile(blocks), shown);
});

test('every kind of refusal has a line', () => {
  const table = DOCS.slice(DOCS.indexOf('| refused |'), DOCS.indexOf('`coredns_nodecache_setup'));
  const named = new Set([...table.matchAll(/`(\w+)`/g)].map(([, name]) => name));
  named.delete('kind');
  assert.deepEqual([...named].sort(), [...PROBLEM_KINDS].sort());
});
