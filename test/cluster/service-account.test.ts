/** The pod's service account, as the kubelet mounts it. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isInPod, readServiceAccount } from '../../src/cluster/service-account.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const ENVIRONMENT = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '6443' };

test('the API of the environment, with the mounted token and authority', (t) => {
  const folder = temporaryDirectory(t);
  writeFileSync(join(folder, 'token'), 'secret\n');
  writeFileSync(join(folder, 'ca.crt'), 'PEM');
  const { server, tls, token } = readServiceAccount(ENVIRONMENT, folder);
  assert.equal(server.origin, 'https://[fd00::1]:6443');
  assert.deepEqual([token, tls.ca, tls.isVerified], ['secret', 'PEM', true]);
});

test('a pod without a token', (t) => {
  const read = () => readServiceAccount(ENVIRONMENT, temporaryDirectory(t));
  assert.throws(read, /ENOENT.*automountServiceAccountToken/);
});

test('whether it is a pod', () => {
  assert.equal(isInPod(ENVIRONMENT), true);
  assert.equal(isInPod({}), false);
});
