/** A configuration from template and ConfigMap on disk: what is served, written, refused, and kept from before. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createLog } from '../../src/base/log.ts';
import type { ConfigurationResult } from '../../src/control/configuration.ts';
import { CorefileSource } from '../../src/control/corefile-source.ts';
import { ProblemReport } from '../../src/control/problem-report.ts';
import { createFamilies } from '../../src/metrics/families.ts';
import { type Keys, mountConfigMap } from '../support/config-map.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const TEMPLATE = `.:53 {
  bind __PILLAR__LOCAL__DNS__
  forward . __PILLAR__UPSTREAM__SERVERS__
}
`;
const ACME = { stubDomains: '{"acme.local": ["192.0.2.1"]}' };

class Node {
  readonly root: string;
  readonly lines: string[] = [];
  readonly report: ProblemReport;
  readonly conf: string;

  constructor(t: TestContext) {
    this.root = temporaryDirectory(t);
    this.report = new ProblemReport(createLog((line) => this.lines.push(line.trimEnd())));
    mkdirSync(join(this.root, 'etc'));
    this.conf = join(this.root, 'etc/Corefile');
  }

  get template(): string {
    return join(this.root, 'coredns/Corefile.base');
  }

  mountTemplate(text: string | Uint8Array): void {
    mountConfigMap(join(this.root, 'coredns'), { 'Corefile.base': text });
  }

  mountKubeDns(keys: Keys): void {
    mountConfigMap(join(this.root, 'kube-dns'), keys);
  }

  /** As a daemon that starts. */
  source(path = this.conf): CorefileSource {
    return new CorefileSource({
      templatePath: this.template,
      path,
      kubeDnsPath: join(this.root, 'kube-dns'),
      dnsPort: 53,
      healthPort: 8080,
      localIps: ['127.0.0.1'],
      clusterDns: { code: 'known', addresses: ['10.96.0.10'] },
      prometheusEndpoint: ':9253',
      environment: {},
      report: this.report,
    });
  }

  /** Lines since the last call. */
  takeLines(): string[] {
    return this.lines.splice(0).map((line) => line.replaceAll(this.root, ''));
  }

  counts(): Record<string, number> {
    const families = createFamilies();
    this.report.collect(families);
    const kinds = ['json', 'server', 'empty', 'encoding', 'template', 'write', 'excess'] as const;
    const byKind = kinds.map((kind) => [kind, families.configMapRefused.cell(kind).value] as const);
    return {
      ...Object.fromEntries(byKind.filter(([, count]) => count > 0)),
      all: families.setupErrors.cell('configmap').value,
      now: families.configMapRefusals.cell().value,
    };
  }
}

function zonesOf(result: ConfigurationResult): string[] {
  assert(result.ok, result.ok ? '' : result.error.message);
  return result.configuration.servers.flatMap(({ zones }) => zones.map(({ zone }) => zone));
}

function errorOf(result: ConfigurationResult): string {
  assert(!result.ok);
  return result.error.message;
}

test('without a template the file of -conf is served as it stands, placeholders and all', (t) => {
  const node = new Node(t);
  node.mountKubeDns(ACME);
  writeFileSync(node.conf, 'example.org {\n bind 127.0.0.1\n}\n');
  assert.deepEqual(zonesOf(node.source().readFirst(assert.fail)), ['example.org.']);
  assert.equal(readFileSync(node.conf, 'utf8'), 'example.org {\n bind 127.0.0.1\n}\n');
});

test('with neither template nor -conf the error names both', (t) => {
  const node = new Node(t);
  assert.match(
    errorOf(node.source().readFirst(assert.fail)),
    /^loading Corefile .*etc\/Corefile: ENOENT.*; nor is there a template at .*coredns\/Corefile\.base$/,
  );
});

test('a template that comes later is taken, and one that goes leaves what was', (t) => {
  const node = new Node(t);
  writeFileSync(node.conf, 'example.org {\n}\n');
  const source = node.source();
  source.readFirst(assert.fail);
  node.mountTemplate(TEMPLATE);
  assert.deepEqual(zonesOf(source.read()), ['.']);
  rmSync(node.template);
  assert.match(errorOf(source.read()), /^the template .*Corefile\.base: ENOENT/);
});

test('the rendered Corefile is written, in one step, for everybody to read', (t) => {
  const node = new Node(t);
  node.mountTemplate(TEMPLATE);
  node.mountKubeDns(ACME);
  assert.deepEqual(zonesOf(node.source().readFirst(assert.fail)), ['.', 'acme.local.']);
  assert.match(readFileSync(node.conf, 'utf8'), /^# Rendered from [\s\S]*\nacme\.local:53 \{\n/);
  assert.equal(statSync(node.conf).mode & 0o777, 0o644 & ~process.umask());
  assert.deepEqual(readdirSync(join(node.root, 'etc')), ['Corefile']);
  const { ino } = statSync(node.conf);
  node.source().read();
  assert.equal(statSync(node.conf).ino, ino, 'the same text is not written again');
});

test('a path that cannot be written keeps it in memory, with one line', (t) => {
  const node = new Node(t);
  node.mountTemplate(TEMPLATE);
  const source = node.source(join(node.root, 'missing/Corefile'));
  source.readFirst(assert.fail);
  assert.deepEqual(zonesOf(source.read()), ['.']);
  const [line, ...more] = node.takeLines();
  assert.match(
    line!,
    /^\[ERROR\] \/missing\/Corefile: the rendered Corefile stays in memory: ENOENT/,
  );
  assert.deepEqual(more, []);
  assert.deepEqual(node.counts(), { write: 1, all: 1, now: 1 });
});

test('a template that is its own -conf is never written over', (t) => {
  const node = new Node(t);
  node.mountTemplate(TEMPLATE);
  assert.deepEqual(zonesOf(node.source(node.template).read()), ['.']);
  assert.equal(readFileSync(node.template, 'utf8'), TEMPLATE);
});

test('a bad entry is refused alone, once named and counted, until it is mended', (t) => {
  const node = new Node(t);
  node.mountTemplate(TEMPLATE);
  node.mountKubeDns({
    stubDomains: '{"a.test": [], "b.test": ["x!", "192.0.2.1"], "c.test": ["192.0.2.1"]}',
  });
  const source = node.source();
  assert.deepEqual(zonesOf(source.readFirst(assert.fail)), ['.', 'b.test.', 'c.test.']);
  source.read();
  assert.deepEqual(node.takeLines(), [
    '[ERROR] refused: /kube-dns/stubDomains: "a.test": expected at least one server',
    '[ERROR] refused: /kube-dns/stubDomains: "b.test": "x!": expected IP, IP:PORT or a host name',
  ]);
  assert.deepEqual(node.counts(), { server: 1, empty: 1, all: 2, now: 2 });
  node.mountKubeDns(ACME);
  assert.deepEqual(zonesOf(source.read()), ['.', 'acme.local.']);
  assert.deepEqual(node.takeLines(), [
    '[INFO] nothing is refused of the kube-dns ConfigMap any more',
  ]);
  assert.deepEqual(node.counts(), { server: 1, empty: 1, all: 2, now: 0 });
});

test('a ConfigMap that is bad at the start: what is right, then the mended one', (t) => {
  const node = new Node(t);
  node.mountTemplate(TEMPLATE);
  node.mountKubeDns({ stubDomains: '{"acme.local": ["192', upstreamNameservers: '["192.0.2.8"]' });
  const source = node.source();
  const first = source.readFirst(assert.fail);
  assert.deepEqual(zonesOf(first), ['.']);
  assert(first.ok);
  assert.equal(first.configuration.servers[0]!.forward[0]!.to[0]!.host, '192.0.2.8');
  assert.match(node.takeLines()[0]!, /refused: \/kube-dns\/stubDomains: expected JSON: /);
  node.mountKubeDns(ACME);
  assert.deepEqual(zonesOf(source.read()), ['.', 'acme.local.']);
});

test('a ConfigMap that is bad at the start: the last good values stand in the rendered file', (t) => {
  const node = new Node(t);
  node.mountTemplate(TEMPLATE);
  node.mountKubeDns(ACME);
  node.source().read();
  node.mountTemplate(`${TEMPLATE}more.test {\n bind 127.0.0.1\n}\n`);
  node.mountKubeDns({ stubDomains: Uint8Array.of(0xff) });
  const zones = zonesOf(node.source().readFirst(assert.fail));
  assert.deepEqual(zones, ['.', 'more.test.', 'acme.local.']);
  assert.deepEqual(node.takeLines(), ['[ERROR] refused: /kube-dns/stubDomains: expected UTF-8']);
  node.mountKubeDns({});
  assert.deepEqual(zonesOf(node.source().read()), ['.', 'more.test.']);
});

test('a half-written ConfigMap changes nothing', (t) => {
  const node = new Node(t);
  node.mountTemplate(TEMPLATE);
  mkdirSync(join(node.root, 'kube-dns'));
  const file = join(node.root, 'kube-dns/stubDomains');
  const source = node.source();
  writeFileSync(file, ACME.stubDomains);
  source.read();
  for (let size = 0; size < ACME.stubDomains.length; size++) {
    writeFileSync(file, ACME.stubDomains.slice(0, size));
    assert.deepEqual(zonesOf(source.read()), ['.', 'acme.local.']);
  }
});

test('a half-written template changes nothing', (t) => {
  const node = new Node(t);
  mkdirSync(join(node.root, 'coredns'));
  const source = node.source();
  writeFileSync(node.template, TEMPLATE);
  source.read();
  const written = readFileSync(node.conf, 'utf8');
  for (const size of [0, 10, 30, TEMPLATE.length - 2]) {
    writeFileSync(node.template, TEMPLATE.slice(0, size));
    assert.ok(!source.read().ok, `${size} octets`);
  }
  assert.equal(readFileSync(node.conf, 'utf8'), written);
});

test('a template that is wrong at the start ends it, with a place in the template', (t) => {
  const node = new Node(t);
  for (const [text, message] of [
    ['. {\n  bind __PILLAR__LOCAL__DNS__ \n bufsize 1\n}', /Corefile\.base:3:10: bufsize: /],
    [Uint8Array.of(0x2e, 0xff), /Corefile\.base:1:1: expected UTF-8$/],
    ['', /Corefile\.base:1:1: expected a server block$/],
  ] as const) {
    node.mountTemplate(text);
    assert.match(errorOf(node.source().readFirst(assert.fail)), message);
  }
  assert.deepEqual(node.takeLines(), [], 'whoever starts the daemon says it');
});

test('a template that is wrong at the start: the last good rendering is served', (t) => {
  const node = new Node(t);
  node.mountTemplate(TEMPLATE);
  node.mountKubeDns(ACME);
  node.source().read();
  node.mountTemplate('. {');
  const warnings: string[] = [];
  const source = node.source();
  assert.deepEqual(zonesOf(source.readFirst((line) => warnings.push(line))), ['.', 'acme.local.']);
  assert.match(
    warnings[0]!,
    /Corefile\.base:1:3: .*: serving the last good rendering, .*etc\/Corefile/,
  );
  assert.match(source.brokenTemplate!, /Corefile\.base:1:3: /);
  assert.deepEqual(node.counts(), { template: 1, all: 1, now: 1 });
  node.mountTemplate(TEMPLATE);
  assert.deepEqual(zonesOf(source.read()), ['.', 'acme.local.']);
});

test('a directory that cannot be looked into says nothing about its keys', (t) => {
  const node = new Node(t);
  node.mountTemplate(TEMPLATE);
  node.mountKubeDns(ACME);
  const source = node.source();
  source.read();
  const directory = join(node.root, 'kube-dns');
  if (process.getuid?.() === 0) {
    // No mode keeps root out.
    rmSync(directory, { recursive: true });
    writeFileSync(directory, '');
  } else {
    chmodSync(directory, 0);
    t.after(() => chmodSync(directory, 0o755));
  }
  assert.deepEqual(zonesOf(source.read()), ['.', 'acme.local.']);
});
