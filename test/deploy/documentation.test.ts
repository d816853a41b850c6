/** docs/deploy.md: its commands make of the manifest what the other tests examine, and its manifests are Kubernetes'. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { fieldProblems, valueProblem } from './kubernetes-schema.ts';
import {
  fillIn,
  IPTABLES_VALUES,
  IPVS_VALUES,
  MANIFEST_PATH,
  manifestText,
  objectsIn,
  ROOT,
} from './manifest.ts';

const PAGE = readFileSync(join(ROOT, 'docs/deploy.md'), 'utf8');

function examples(language: string): string[] {
  const fences = PAGE.matchAll(new RegExp(`^ *\`\`\`${language}\n(.*?)^ *\`\`\`$`, 'gms'));
  return [...fences].map(([, text]) => text!);
}

test('the commands fill in the manifest', (t) => {
  const scripts = examples('sh').filter((text) => text.includes('>zerohop.yaml'));
  assert.equal(scripts.length, 2);
  const made = scripts.map((script) => {
    const directory = temporaryDirectory(t);
    mkdirSync(join(directory, 'deploy'));
    copyFileSync(join(ROOT, MANIFEST_PATH), join(directory, MANIFEST_PATH));
    const kubectl = `kubectl() { echo ${IPTABLES_VALUES.dnsServer}; }\n`;
    execFileSync('sh', ['-euc', `${kubectl}${script}`], { cwd: directory });
    return objectsIn(readFileSync(join(directory, 'zerohop.yaml'), 'utf8'));
  });
  const expected = [IPTABLES_VALUES, IPVS_VALUES].map((values) => {
    return objectsIn(fillIn(manifestText(), values));
  });
  assert.deepEqual(made, expected);
});

test('its network policy is one', async (t) => {
  const objects = examples('yaml').flatMap(objectsIn);
  const policies = objects.filter(({ apiVersion }) => apiVersion === 'networking.k8s.io/v1');
  assert.equal(policies.length, 1);
  assert.equal(await valueProblem(policies[0]!), undefined);
  assert.equal(await fieldProblems(t, policies), '');
});

test('its patch is JSON', () => {
  const [, patch] = /--patch '(.*?)'/s.exec(PAGE)!;
  const { spec } = JSON.parse(patch!);
  assert.deepEqual(Object.keys(spec.template.spec), ['affinity']);
});
