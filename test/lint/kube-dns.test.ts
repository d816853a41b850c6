/** The kube-dns ConfigMap, alone or beside a template: as a mounted directory and in a manifest. */
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { lint } from '../../src/lint/lint.ts';
import { joinSources, readSource, type Sources, textSource } from '../../src/lint/source.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const TEMPLATE = `cluster.local {
  bind __PILLAR__LOCAL__DNS__
  forward . __PILLAR__CLUSTER__DNS__
}
. {
  bind __PILLAR__LOCAL__DNS__
  forward . __PILLAR__UPSTREAM__SERVERS__ {
    force_tcp
  }
}
`;

function found(sources: Sources, rules = /^kube-dns-/): string[] {
  return lint(sources, { localIps: [], resolvConfPath: undefined, environment: {} })
    .filter(({ rule }) => rules.test(rule))
    .map(({ rule, at, problem }) => `${at.line}:${at.column} ${rule}: ${problem}`);
}

/** As the kubelet mounts it. */
function mounted(t: TestContext, keys: Readonly<Record<string, string>>): Sources {
  const directory = temporaryDirectory(t);
  mkdirSync(join(directory, '..2026'));
  symlinkSync('..2026', join(directory, '..data'));
  for (const [key, text] of Object.entries(keys)) {
    writeFileSync(join(directory, '..2026', key), text);
    symlinkSync(join('..data', key), join(directory, key));
  }
  return readSource(directory);
}

test('a good one has no findings', (t) => {
  const keys = {
    stubDomains: '{"acme.local": ["192.0.2.1", "dns.example.org"]}',
    upstreamNameservers: '["198.51.100.53"]',
  };
  assert.deepEqual(found(mounted(t, keys)), []);
  assert.deepEqual(found(joinSources([textSource('base', TEMPLATE), mounted(t, keys)])), []);
});

test('each entry that is refused, and the rest counts', (t) => {
  const keys = {
    stubDomains: '{"acme.local": [], "$$": ["192.0.2.1"], "good.local": ["192.0.2.1"]}',
    upstreamNameservers: '["dns.example.org"]',
    federations: 'a=b',
  };
  const findings = found(mounted(t, keys));
  assert.match(findings.join('\n'), /^1:1 kube-dns-entry: stubDomains: "acme\.local"/m);
  assert.match(
    findings.join('\n'),
    /^1:1 kube-dns-entry: stubDomains: "\$\$": expected a domain name/m,
  );
  assert.match(
    findings.join('\n'),
    /^1:1 kube-dns-entry: upstreamNameservers: .*expected IP or IP:PORT/m,
  );
  assert.match(findings.join('\n'), /^1:1 kube-dns-ignored: federations: ignored/m);
});

test('a stub domain that the template serves itself', (t) => {
  const stubs = mounted(t, { stubDomains: '{"cluster.local": ["192.0.2.1"]}' });
  assert.deepEqual(found(stubs), []);
  const both = found(joinSources([textSource('base', TEMPLATE), stubs]));
  assert.equal(both.length, 1);
  assert.match(both[0]!, /"cluster\.local": base:1:1 serves this zone already/);
});

test('upstream servers of the ConfigMap are asked over UDP: force_tcp is no trap then', (t) => {
  const rule = /^force-tcp-external$/;
  assert.equal(found(textSource('base', TEMPLATE), rule).length, 1);
  const servers = mounted(t, { upstreamNameservers: '["169.254.169.253"]' });
  assert.deepEqual(found(joinSources([textSource('base', TEMPLATE), servers]), rule), []);
});

test('both in one manifest', () => {
  const indented = TEMPLATE.replace(/^/gm, '    ');
  const text = `kind: ConfigMap
data:
  Corefile: |
${indented}
---
kind: ConfigMap
data:
  stubDomains: >-
    {"cluster.local": ["192.0.2.1"]}
  upstreamNameservers: '[]'
`;
  const findings = found(textSource('both.yaml', text));
  assert.match(
    findings.join('\n'),
    /^18:16 kube-dns-entry: stubDomains: "cluster\.local": both\.yaml:4:5 serves/,
  );
});
