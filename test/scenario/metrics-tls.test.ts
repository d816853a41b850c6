/**
 * `prometheus` with `tls` and `runtime_metrics`, in the daemon: a scrape over TLS and none without, a reload with other
 * certificates, and what stops a start.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type DaemonPorts, spawnDaemon, startDaemon } from '../support/daemon.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { CERTIFICATE, certificateFiles, KEY } from '../upstream/support-certificate.ts';

const WITH_CERTIFICATE = { cert: CERTIFICATE, key: KEY };

/** A web configuration file that serves the certificate of the tests, with further lines. */
function webConfig(t: TestContext, ...lines: string[]) {
  const { certPath, keyPath } = certificateFiles(t);
  const path = join(temporaryDirectory(t), 'web.yml');
  const write = (...more: string[]) => {
    const section = ['tls_server_config:', `cert_file: ${certPath}`, `key_file: ${keyPath}`];
    writeFileSync(path, [...section, ...more].join('\n  '));
  };
  write(...lines);
  return { path, certPath, write };
}

/** A block with `prometheus` and these options. */
const block = (...options: string[]) => {
  return ({ dns, prometheus }: DaemonPorts, zone = '.') =>
    [
      `${zone}:${dns} {`,
      '  bind 127.0.0.1',
      `  prometheus 127.0.0.1:${prometheus} {`,
      ...options.map((option) => `    ${option}`),
      '  }\n}\n',
    ].join('\n');
};

async function scrape(port: number, client: { cert?: string; key?: string } = {}): Promise<string> {
  const url = `https://127.0.0.1:${port}/metrics`;
  const request = get(url, { ca: CERTIFICATE, agent: false, ...client });
  const [response] = await once(request, 'response');
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  return text;
}

test('a scrape over TLS, none without, and a reload that asks for client certificates', async (t) => {
  const web = webConfig(t);
  const corefile = block(`tls ${web.path}`);
  const daemon = await startDaemon(t, { corefile });
  const { prometheus, metrics } = daemon.ports;
  assert.match(await scrape(prometheus), /^coredns_build_info\{/m);
  await assert.rejects(fetch(`http://127.0.0.1:${prometheus}/metrics`));
  assert.equal((await fetch(`http://127.0.0.1:${metrics}/metrics`)).status, 200);

  const verify = 'client_auth_type: RequireAndVerifyClientCert';
  web.write(verify, `client_ca_file: ${web.certPath}`);
  assert.match(await daemon.reloadWith(corefile), /Reloading complete/);
  await assert.rejects(scrape(prometheus));
  assert.match(await scrape(prometheus, WITH_CERTIFICATE), /^coredns_build_info\{/m);

  web.write('colour: red');
  const failed = await daemon.reloadWith(corefile);
  assert.match(
    failed,
    /reload failed: .*web\.yml:4:\d+: .*tls_server_config\.colour: not supported/,
  );
  await assert.rejects(scrape(prometheus));
  assert.match(await scrape(prometheus, WITH_CERTIFICATE), /^coredns_build_info\{/m);
});

test('a file that is not there, or is wrong, stops a start', async (t) => {
  for (const [path, message] of [
    ['/nowhere/web.yml', /^\[ERROR\] .*Corefile:4:9: prometheus: tls: ENOENT.*\/nowhere\/web\.yml/],
    [webConfig(t, 'colour: red').path, /^\[ERROR\] .*web\.yml:4:\d+: .*colour: not supported/],
  ] as const) {
    const daemon = await spawnDaemon(t, { corefile: block(`tls ${path}`) });
    assert.equal(await daemon.exited(), 1);
    const lines = daemon.log.filter((line) => !line.startsWith('[INFO] '));
    assert.equal(lines.length, 1, lines.join('\n'));
    assert.match(lines[0]!, message);
  }
});

test('blocks with one address and different files stop a start', async (t) => {
  const [plain, tls] = [block(), block(`tls ${webConfig(t).path}`)];
  const corefile = (ports: DaemonPorts) => plain(ports) + tls(ports, 'example.org');
  const daemon = await spawnDaemon(t, { corefile });
  assert.equal(await daemon.exited(), 1);
  const message =
    /Corefile:9:9: prometheus: tls: expected the same in all blocks with 127\.0\.0\.1:/;
  assert.match(daemon.log.at(-1)!, message);
});

test('runtime_metrics is said to have no effect, once', async (t) => {
  const corefile = block('runtime_metrics');
  const daemon = await startDaemon(t, { corefile });
  assert.match(await daemon.reloadWith(corefile), /Reloading complete/);
  const lines = daemon.log.filter((line) => line.includes('runtime_metrics'));
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, /^\[WARNING\] .*Corefile:4:5: prometheus: runtime_metrics has no effect/);
});
