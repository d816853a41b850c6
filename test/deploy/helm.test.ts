/**
 * The chart in deploy/helm/zerohop: helm makes of it what the manifest and kustomize's overlays are, where the values mean the same;
 * wrong values are refused by the schema. Skipped where there is no helm on the PATH.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { readCommandLine } from '../../src/control/flags.ts';
import { lint } from '../../src/lint/lint.ts';
import { textSource } from '../../src/lint/source.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { fieldProblems, valueProblem } from './kubernetes-schema.ts';
import {
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

const CHART = join(ROOT, 'deploy/helm/zerohop');
const skip = spawnSync('helm', ['version']).status === 0 ? false : 'needs helm';

const IMAGE = { repository: 'registry.example.com/zerohop' };
const KUBE_DNS = { clusterIP: '10.96.0.10' };
/** Of the add-on manager of Kubernetes' own clusters, which is not who brings a chart. */
const ADD_ON_LABELS = ['kubernetes.io/cluster-service', 'addonmanager.kubernetes.io/mode'];

function template(t: TestContext, values: object): string {
  const file = join(temporaryDirectory(t), 'values.json');
  writeFileSync(file, JSON.stringify(values));
  const args = ['template', 'zerohop', CHART, '--kube-version', '1.30.0', '--values', file];
  return execFileSync('helm', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** The manifest as the chart has it: no labels of the add-on manager, and a policy for pulling the image. */
function asChart(objects: KubernetesObject[]): KubernetesObject[] {
  for (const { kind, metadata, spec } of objects) {
    // biome-ignore lint/suspicious/noExplicitAny: what is changed is no longer read-only.
    const changed = metadata as any;
    for (const label of ADD_ON_LABELS) delete changed.labels?.[label];
    if (Object.keys(changed.labels ?? { some: 1 }).length === 0) delete changed.labels;
    if (kind === 'DaemonSet') spec.template.spec.containers[0].imagePullPolicy = 'IfNotPresent';
  }
  return objects;
}

const WAYS: Readonly<Record<string, object>> = {
  base: {},
  iptables: { mode: 'iptables', legacyIptables: true },
  nftables: { mode: 'nftables' },
  ipvs: { mode: 'ipvs', kubeDNS: {} },
  cilium: { mode: 'cilium', kubeDNS: {} },
  'dual-stack': {
    localIPs: ['169.254.20.10', 'fd00:53::10'],
    kubeDNS: { clusterIP: '10.96.0.10,fd00:10:96::a' },
  },
  eks: {
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [
            {
              matchExpressions: [
                {
                  key: 'eks.amazonaws.com/compute-type',
                  operator: 'NotIn',
                  values: ['fargate', 'hybrid'],
                },
              ],
            },
          ],
        },
      },
    },
  },
};

suite('the chart', () => {
  for (const [way, values] of Object.entries(WAYS)) {
    test(`is what kustomize makes: ${way}`, { skip }, async (t) => {
      const made = objectsIn(template(t, { image: IMAGE, kubeDNS: KUBE_DNS, ...values }));
      const filled = fillIn(manifestText(), way === 'ipvs' ? IPVS_VALUES : IPTABLES_VALUES);
      const expected = asChart(CHANGES[way]!(objectsIn(filled)));
      assert.deepEqual(inOrder(made), inOrder(expected));
      for (const object of made) assert.equal(await valueProblem(object), undefined);
      assert.equal(await fieldProblems(t, made), '');
    });
  }

  test('serves both families, with an image by digest and what else is asked for', {
    skip,
  }, async (t) => {
    const digest = `sha256:${'0'.repeat(64)}`;
    const text = template(t, {
      image: { ...IMAGE, digest, pullSecrets: [{ name: 'registry' }] },
      localIPs: ['169.254.20.10', 'fd00:53::10'],
      kubeDNS: { ...KUBE_DNS, selector: { app: 'coredns' } },
      extraArgs: ['-responders=2'],
      nodeSelector: { pool: 'general' },
      resources: { requests: { memory: '200Mi' } },
    });
    const objects = objectsIn(text);
    for (const object of objects) assert.equal(await valueProblem(object), undefined);
    const { spec } = objectNamed(objects, 'DaemonSet', 'node-local-dns').spec.template;
    const [container] = spec.containers;
    assert.equal(container.image, `${IMAGE.repository}@${digest}`);
    assert.deepEqual(spec.nodeSelector, { 'kubernetes.io/os': 'linux', pool: 'general' });
    assert.deepEqual(spec.imagePullSecrets, [{ name: 'registry' }]);
    assert.deepEqual(container.resources, {
      requests: { memory: '200Mi', cpu: '25m' },
      limits: { memory: '192Mi' },
    });
    const line = readCommandLine(container.args);
    assert.ok(line.code === 'run');
    assert.deepEqual(line.flags.localIps, ['169.254.20.10', 'fd00:53::10', '10.96.0.10']);
    assert.equal(line.flags.responderCount, 2);
    for (const name of ['kube-dns-upstream', 'kube-dns-endpoints']) {
      assert.deepEqual(objectNamed(objects, 'Service', name).spec.selector, { app: 'coredns' });
    }
    const options = { localIps: [], resolvConfPath: undefined, environment: {} };
    const found = lint(textSource('chart.yaml', text), options).map(({ rule }) => rule);
    assert.deepEqual(found, ['resolv-conf-unknown']);
  });

  test('a Corefile of the operator takes the place of ours', { skip }, (t) => {
    const corefile = '.:53 {\n    errors\n    forward . 192.0.2.1\n}\n';
    const text = template(t, { image: IMAGE, kubeDNS: KUBE_DNS, corefile });
    const { data } = objectNamed(objectsIn(text), 'ConfigMap', 'node-local-dns');
    assert.equal(data!['Corefile'], corefile);
  });

  const refused: readonly [string, object, RegExp][] = [
    ['no image', { kubeDNS: KUBE_DNS }, /repository/],
    ['no ClusterIP', { image: IMAGE }, /kubeDNS\.clusterIP: the ClusterIP of the Service/],
    ['an unknown mode', { image: IMAGE, kubeDNS: KUBE_DNS, mode: 'ebpf' }, /mode/],
    ['an unknown value', { image: IMAGE, kubeDNS: KUBE_DNS, localIp: '169.254.20.10' }, /localIp/],
    ['no address', { image: IMAGE, kubeDNS: KUBE_DNS, localIPs: [] }, /localIPs/],
    ['a flag without its dash', { image: IMAGE, kubeDNS: KUBE_DNS, extraArgs: ['a'] }, /extraArgs/],
  ];
  for (const [what, values, pattern] of refused) {
    test(`refuses ${what}`, { skip }, (t) => {
      assert.throws(() => template(t, values), pattern);
    });
  }

  test('helm has no complaint', { skip }, () => {
    const set = `image.repository=${IMAGE.repository},kubeDNS.clusterIP=${KUBE_DNS.clusterIP}`;
    execFileSync('helm', ['lint', '--strict', CHART, '--set', set, '--kube-version', '1.30.0']);
  });
});
