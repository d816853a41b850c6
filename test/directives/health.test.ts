/** `health`: its address and its lame duck. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCorefile } from '../../src/corefile/parser.ts';
import { readServerBlocks } from '../../src/directives/server-config.ts';
import { configOf, failureOf } from './server-block.ts';

const SOURCE = {
  file: 'Corefile',
  environment: {},
  files: { read: () => ({ code: 'failed', reason: 'none' }) as const, glob: () => [] },
};

test('an address and a lame duck', () => {
  assert.deepEqual(configOf('health').health, { address: { host: '', port: 8080 }, lameduckMs: 0 });
  assert.deepEqual(configOf('health localhost:1234 {\n lameduck 4s\n}').health, {
    address: { host: 'localhost', port: 1234 },
    lameduckMs: 4_000,
  });
  assert.deepEqual(configOf('health [fd00:0::1]:0').health?.address, { host: 'fd00::1', port: 0 });
  assert.equal(configOf('errors').health, undefined);
});

test('without an address, the port is the command line’s', () => {
  const blocks = parseCorefile('. {\n health\n}', SOURCE);
  const options = { defaultPort: 53, files: SOURCE.files, warn: () => {} };
  const [config] = readServerBlocks(blocks, { ...options, healthPort: 8099 });
  assert.deepEqual(config?.health?.address, { host: '', port: 8099 });
});

test('of several the last counts', () => {
  const warnings: string[] = [];
  assert.equal(configOf('health :1\nhealth :2', {}, warnings).health?.address.port, 2);
  assert.deepEqual(warnings, ['2:1 health: ignored: the one at line 3 counts']);
});

test('what CoreDNS refuses is refused', () => {
  assert.match(failureOf('health bla'), /'bla': expected HOST:PORT or :PORT/);
  assert.match(failureOf('health fd00::a:8080'), /expected HOST:PORT/);
  assert.match(failureOf('health bla:a'), /expected HOST:PORT/);
  assert.match(failureOf('health bla bla'), /unexpected 'bla'/);
  assert.match(failureOf('health {\n lameduck a\n}'), /'a': expected a duration/);
  assert.match(
    failureOf('health {\n lamedudk 4s\n}'),
    /unknown option 'lamedudk': expected lameduck/,
  );
});
