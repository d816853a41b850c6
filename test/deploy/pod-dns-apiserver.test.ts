/**
 * The samples of pod-dns-samples.ts through the API server's own code: its compiler, its CEL library, its patches, its strict decoding.
 * Skipped where test/deploy/apiserver is not built and on the PATH as `pod-policy-check`.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { objectNamed, objectsIn, ROOT } from './manifest.ts';
import { type PodSample, paramsOf, podOf, SAMPLES } from './pod-dns-samples.ts';

const PROGRAM = 'pod-policy-check';
const skip =
  spawnSync(PROGRAM, { input: '' }).error === undefined
    ? false
    : 'needs pod-policy-check (test/deploy/apiserver)';
const OBJECTS = objectsIn(readFileSync(join(ROOT, 'deploy/pod-dns.yaml'), 'utf8'));
const POLICY = objectNamed(OBJECTS, 'MutatingAdmissionPolicy', 'pod-dns');

interface Outcome {
  readonly pod?: { readonly spec: { readonly dnsPolicy: string; readonly dnsConfig?: object } };
  readonly error?: string;
}

function admitted(samples: readonly PodSample[], policy: object = POLICY): Outcome[] {
  const pairs = samples.map((sample) => ({ params: paramsOf(sample), pod: podOf(sample) }));
  const input = JSON.stringify({ policy, samples: pairs });
  return JSON.parse(execFileSync(PROGRAM, { input, encoding: 'utf8' }));
}

suite('the API server', { skip }, () => {
  test('makes of every sample what is expected', () => {
    const outcomes = admitted(SAMPLES);
    for (const [index, sample] of SAMPLES.entries()) {
      const { pod, error } = outcomes[index]!;
      assert.equal(error, undefined, sample.name);
      const before = podOf(sample) as { spec: { dnsPolicy: string; dnsConfig?: object } };
      const { dnsPolicy, dnsConfig } = pod!.spec;
      const expected = sample.expected
        ? { dnsPolicy: 'None', dnsConfig: sample.expected }
        : { dnsPolicy: before.spec.dnsPolicy, dnsConfig: before.spec.dnsConfig };
      assert.deepEqual({ dnsPolicy, dnsConfig }, expected, sample.name);
    }
  });

  test('says what goes wrong', () => {
    const [sample] = SAMPLES;
    const policy = structuredClone(POLICY);
    policy.spec.variables[0].expression = 'params.data.nothing';
    assert.match(admitted([sample!], policy)[0]!.error!, /no such key: nothing/);
  });
});
