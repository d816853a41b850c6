/**
 * deploy/pod-dns.yaml: Kubernetes takes its objects, and its CEL makes of each sample pod what is expected. The evaluator here is an npm
 * package that knows CEL with optional types but no message literals, so `JSONPatch{op: ...}` is written as a map before it
 * reads it, and that alone. test/deploy/apiserver has the API server's own code evaluate the same samples.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { Environment } from '@marcbachmann/cel-js';
import { fillManifest, leftOverIn } from '../../src/rendering/manifest.ts';
import { zerohop } from '../cli/zerohop-command.ts';
import { fieldProblems, valueProblem } from './kubernetes-schema.ts';
import { type KubernetesObject, objectNamed, objectsIn, ROOT } from './manifest.ts';
import { NAMESPACE, PARAMS, type PodSample, paramsOf, podOf, SAMPLES } from './pod-dns-samples.ts';

const TEXT = readFileSync(join(ROOT, 'deploy/pod-dns.yaml'), 'utf8');
const FILLED = fillManifest(TEXT, {
  localDns: '169.254.20.10',
  kubeDns: '10.96.0.10',
  domain: 'cluster.local',
  dnsServer: undefined,
  image: undefined,
  secondLocalDns: undefined,
  secondDnsServer: undefined,
});
const OBJECTS = objectsIn(FILLED);
const POLICY = objectNamed(OBJECTS, 'MutatingAdmissionPolicy', 'pod-dns').spec;
const BINDING = objectNamed(OBJECTS, 'MutatingAdmissionPolicyBinding', 'pod-dns').spec;

interface Patch {
  readonly op: 'add';
  readonly path: string;
  readonly value: unknown;
}

function environment(): Environment {
  return new Environment({
    unlistedVariablesAreDyn: true,
    enableOptionalTypes: true,
    homogeneousAggregateLiterals: false,
  });
}

/** The names of the conditions that do not hold. */
function unmet(context: object): string[] {
  const conditions: { name: string; expression: string }[] = POLICY.matchConditions;
  return conditions
    .filter(({ expression }) => environment().evaluate(expression, { ...context }) !== true)
    .map(({ name }) => name);
}

function patchesFor(context: object): Patch[] {
  const variables: Record<string, unknown> = {};
  const all = { ...context, variables };
  for (const { name, expression } of POLICY.variables) {
    variables[name] = environment().evaluate(expression, all);
  }
  const [{ patchType, jsonPatch }] = POLICY.mutations;
  assert.equal(patchType, 'JSONPatch');
  const asMaps = jsonPatch.expression.replace(
    /JSONPatch\{(.*?)\}(?=[,\s]*(?:JSONPatch|\]))/gs,
    (_: string, fields: string) => `{${fields.replace(/\b(op|path|value):/g, '"$1":')}}`,
  );
  return environment().evaluate(asMaps, all) as Patch[];
}

/** RFC 6902 §4.1, of members of objects. */
function patched(pod: KubernetesObject, patches: readonly Patch[]): KubernetesObject {
  const copy = structuredClone(pod);
  for (const { op, path, value } of patches) {
    assert.equal(op, 'add');
    const steps = path.split('/').slice(1);
    const last = steps.pop()!;
    // biome-ignore lint/suspicious/noExplicitAny: a path into any object.
    const parent = steps.reduce((object: any, step) => object[step], copy);
    parent[last] = structuredClone(value);
  }
  return copy;
}

function mutated(sample: PodSample): KubernetesObject {
  const pod = podOf(sample) as KubernetesObject;
  const context = { object: pod, params: paramsOf(sample), request: { namespace: NAMESPACE } };
  return unmet(context).length > 0 ? pod : patched(pod, patchesFor(context));
}

suite('Kubernetes takes it', () => {
  test('the objects', async (t) => {
    for (const object of OBJECTS) assert.equal(await valueProblem(object), undefined, object.kind);
    assert.equal(await fieldProblems(t, OBJECTS), '');
    assert.deepEqual(leftOverIn(FILLED), []);
  });

  test('its parameters are those of the samples', () => {
    assert.deepEqual(objectNamed(OBJECTS, 'ConfigMap', 'pod-dns').data, PARAMS);
    assert.deepEqual(BINDING.paramRef, {
      name: 'pod-dns',
      namespace: 'kube-system',
      parameterNotFoundAction: 'Allow',
    });
    assert.equal(BINDING.policyName, 'pod-dns');
  });

  test('what goes wrong keeps no pod from being made', () => {
    assert.equal(POLICY.failurePolicy, 'Ignore');
  });
});

suite('pods', () => {
  for (const sample of SAMPLES) {
    test(sample.name, async () => {
      const pod = podOf(sample) as KubernetesObject;
      const made = mutated(sample);
      const { expected } = sample;
      const spec = expected ? { ...pod.spec, dnsPolicy: 'None', dnsConfig: expected } : pod.spec;
      assert.deepEqual(made, { ...pod, spec });
      assert.equal(await valueProblem(made), undefined);
    });
  }

  test('have no field that Kubernetes does not know', async (t) => {
    assert.equal(await fieldProblems(t, SAMPLES.map(mutated)), '');
  });

  test('each condition is what keeps some sample as it is', () => {
    const alone = new Set<string>();
    for (const sample of SAMPLES) {
      const context = { object: podOf(sample), params: paramsOf(sample), request: {} };
      const names = unmet(context);
      if (names.length === 1) alone.add(names[0]!);
    }
    const all = POLICY.matchConditions.map(({ name }: { name: string }) => name);
    assert.deepEqual([...alone].sort(), all.sort());
  });
});

test('zerohop render fills it in, in IPVS mode with kube-dns too', async () => {
  const options = ['--dns-server', '10.96.0.10', '--domain', 'cluster.local', '--mode', 'ipvs'];
  const { code, stdout, stderr } = await zerohop(['render', ...options, '-'], TEXT);
  assert.deepEqual([code, stderr], [0, '']);
  assert.deepEqual(objectsIn(stdout), OBJECTS);
});
