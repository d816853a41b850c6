/** Which `health` the rules for probes do not cover. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { healthPortWarnings } from '../../src/control/health-port.ts';
import { configsOf } from '../directives/server-block.ts';

const FLAGS = {
  localIps: ['169.254.20.10', '10.96.0.10'],
  healthPort: 8080,
  setupIptables: true,
  interceptionBackend: 'auto',
} as const;

function warnings(health: string, flags: Partial<typeof FLAGS> | object = {}): string[] {
  const servers = configsOf(`.:53 {\n${health}\n}\nexample.org:53 {\n${health}\n}`);
  return healthPortWarnings(servers, { ...FLAGS, ...flags });
}

test('another port at a served address, once, with the flag that mends it', () => {
  assert.deepEqual(warnings('health 169.254.20.10:8081'), [
    'health at 169.254.20.10:8081, but the rules for probes are for port 8080: probes are tracked, and a firewall may drop them; start with -health-port 8081',
  ]);
  assert.equal(warnings('health :8081').length, 1);
});

test('no word where the ports agree, where there are no rules, or where none is needed', () => {
  assert.deepEqual(warnings('health 169.254.20.10:8080'), []);
  assert.deepEqual(warnings('health'), []);
  assert.deepEqual(warnings('errors'), []);
  assert.deepEqual(warnings('health 127.0.0.1:8081'), []);
  assert.deepEqual(warnings('health :8081', { setupIptables: false }), []);
  assert.deepEqual(warnings('health :8081', { interceptionBackend: 'none' }), []);
});
