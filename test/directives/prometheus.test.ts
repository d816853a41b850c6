/** `prometheus`: its address and options. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configOf, failureOf } from './server-block.ts';

test('an address, a TLS file and series of the runtime', () => {
  const plain = { tlsConfigFile: undefined, runtimeMetricsAt: undefined };
  assert.deepEqual(configOf('prometheus').prometheus, {
    address: { host: 'localhost', port: 9153 },
    ...plain,
  });
  assert.deepEqual(configOf('prometheus :9253').prometheus, {
    address: { host: '', port: 9253 },
    ...plain,
  });
  assert.deepEqual(configOf('prometheus {\n runtime_metrics\n tls web.yml\n}').prometheus, {
    address: { host: 'localhost', port: 9153 },
    tlsConfigFile: { text: 'web.yml', at: { file: 'Corefile', line: 4, column: 6 } },
    runtimeMetricsAt: { file: 'Corefile', line: 3, column: 2 },
  });
});

test('what CoreDNS refuses is refused', () => {
  assert.match(failureOf('prometheus /foo'), /'\/foo': expected HOST:PORT/);
  assert.match(failureOf('prometheus a b c'), /unexpected 'b'/);
  assert.match(failureOf('prometheus {\n runtime_metrics x\n}'), /expected no argument/);
  assert.match(failureOf('prometheus {\n tls a\n tls b\n}'), /tls: expected only once/);
  assert.match(failureOf('prometheus {\n tls\n}'), /tls: expected one argument/);
  assert.match(
    failureOf('prometheus {\n x\n}'),
    /unknown option 'x': expected tls or runtime_metrics/,
  );
  assert.match(failureOf('prometheus\nprometheus'), /expected once in a server block/);
});
