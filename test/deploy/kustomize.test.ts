/**
 * The overlays of deploy/kustomize: kustomize makes of each of them the manifest with what it says on its first lines, and nothing
 * else; Kubernetes takes the objects. Skipped where there is no kustomize on the PATH.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { parse } from 'yaml';
import { readCommandLine } from '../../src/control/flags.ts';
import { lint } from '../../src/lint/lint.ts';
import { textSource } from '../../src/lint/source.ts';
import { fieldProblems, valueProblem } from './kubernetes-schema.ts';
import {
  DUAL_STACK_VALUES,
  fillIn,
  IPTABLES_VALUES,
  IPVS_VALUES,
  type KubernetesObject,
  manifestText,
  objectNamed,
  objectsIn,
  ROOT,
} from './manifest.ts';
import { CHANGES, inOrder } from './overlays.ts';

const DIRECTORY = join(ROOT, 'deploy/kustomize');
const skip =
  spawnSync('kustomize', ['version']).status === 0 ? false : 'needs kustomize (sigs.k8s.io)';

function build(overlay: string): { text: string; objects: KubernetesObject[] } {
  const text = execFileSync('kustomize', ['build', join(DIRECTORY, overlay)], { encoding: 'utf8' });
  return { text, objects: objectsIn(fillIn(text, valuesFor(overlay))) };
}

/** The cache of Cilium's nodes is alone in its pod. */
const RULES: Readonly<Record<string, readonly string[]>> = {
  cilium: ['note resolv-conf-unknown', 'warning bind-wildcard', 'warning health-wildcard'],
  // The first DaemonSet's is used.
  canary: ['error no-corefile'],
};

function valuesFor(overlay: string) {
  if (overlay === 'dual-stack') return DUAL_STACK_VALUES;
  return overlay === 'ipvs' ? IPVS_VALUES : IPTABLES_VALUES;
}

/** Of lint, in the Corefile of what is made. */
function rulesFound(overlay: string, text: string): string[] {
  const options = { localIps: [], resolvConfPath: undefined, environment: {} };
  const found = lint(textSource(`${overlay}.yaml`, fillIn(text, valuesFor(overlay))), options);
  return [...new Set(found.map(({ level, rule }) => `${level} ${rule}`))].sort();
}

test('the manifest in base is the one that is filled in by sed', () => {
  assert.equal(readFileSync(join(DIRECTORY, 'base/nodelocaldns.yaml'), 'utf8'), manifestText());
});

test('every overlay is tested', () => {
  assert.deepEqual(readdirSync(DIRECTORY).sort(), Object.keys(CHANGES).sort());
});

test('a Corefile that an overlay brings is the manifest’s but for its addresses', () => {
  const { data } = objectNamed(objectsIn(manifestText()), 'ConfigMap', 'node-local-dns');
  const withoutAddresses = (corefile: string) => {
    return corefile.trimEnd().replaceAll(/^( *(?:bind|health)) .*$/gm, '$1');
  };
  const brought = Object.keys(CHANGES).flatMap((overlay) => {
    const file = join(DIRECTORY, overlay, 'kustomization.yaml');
    const { patches = [] } = parse(readFileSync(file, 'utf8'));
    return patches
      .map(({ patch }: { patch: string }) => parse(patch))
      .flatMap((patch: KubernetesObject) => patch.data?.['Corefile'] ?? []);
  });
  assert.equal(brought.length, 2);
  for (const corefile of brought) {
    assert.equal(withoutAddresses(corefile), withoutAddresses(data!['Corefile']!));
  }
});

suite('overlays', () => {
  for (const [overlay, change] of Object.entries(CHANGES)) {
    test(overlay, { skip }, async (t) => {
      const { text, objects: made } = build(overlay);
      const expected = change(objectsIn(fillIn(manifestText(), valuesFor(overlay))));
      assert.deepEqual(inOrder(made), inOrder(expected));
      for (const object of made) assert.equal(await valueProblem(object), undefined);
      assert.equal(await fieldProblems(t, made), '');
      const daemonSet = made.find(({ kind }) => kind === 'DaemonSet')!;
      assert.equal(readCommandLine(daemonSet.spec.template.spec.containers[0].args).code, 'run');
      assert.deepEqual(rulesFound(overlay, text), RULES[overlay] ?? ['note resolv-conf-unknown']);
    });
  }
});
