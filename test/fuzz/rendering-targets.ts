/** What of a template and a kube-dns ConfigMap must hold whatever stands in them. */
import assert from 'node:assert/strict';
import { CorefileError } from '../../src/corefile/ast.ts';
import type { FileSource } from '../../src/corefile/file-source.ts';
import { parseCorefile } from '../../src/corefile/parser.ts';
import { printCorefile } from '../../src/corefile/printer.ts';
import { readServerBlocks } from '../../src/directives/server-config.ts';
import {
  type ConfigMapKey,
  type KubeDnsSettings,
  NO_SETTINGS,
  readKubeDns,
} from '../../src/rendering/kube-dns.ts';
import { readRecord } from '../../src/rendering/record.ts';
import { render } from '../../src/rendering/render.ts';
import type { Target } from './targets.ts';

const FILES: FileSource = {
  read: (path) =>
    path === '/etc/resolv.conf'
      ? { code: 'read', text: 'nameserver 192.0.2.8\n' }
      : { code: 'failed', reason: 'no such file' },
  glob: () => [],
};

const OPTIONS = {
  environment: { A: 'a' },
  files: FILES,
  folder: '/etc',
  dnsPort: 53,
  localIps: ['169.254.20.10', '10.96.0.10'],
  clusterDns: { code: 'known', addresses: ['10.96.0.11'] },
  prometheusEndpoint: ':9253',
  stubDomainsPath: '/etc/kube-dns/stubDomains',
} as const;

const SETTINGS: KubeDnsSettings = {
  stubDomains: new Map([['acme.local', ['192.0.2.1']]]),
  upstreamNameservers: ['192.0.2.2'],
};

const STUB_TEMPLATE = `.:53 {
  bind __PILLAR__LOCAL__DNS__
  forward . __PILLAR__UPSTREAM__SERVERS__ 192.0.2.9 {
    force_tcp
  }
}
taken.local:53 {
  bind 169.254.20.10
}
`;

/** Placeholders that are filled in: none is left in a word, unless others have made it. */
const FILLED = /__PILLAR__(UPSTREAM__SERVERS|CLUSTER__DNS|LOCAL__DNS|DNS__SERVER)__/;

function template(input: Uint8Array): void {
  const text = Buffer.from(input).toString();
  try {
    const { blocks, problems } = render({ path: 'Corefile.base', text }, SETTINGS, OPTIONS);
    assert.ok(problems.length <= 1);
    const printed = printCorefile(blocks);
    if (!text.includes('__PILLAR__DNS__SERVER__')) assert.doesNotMatch(printed, FILLED);
  } catch (error) {
    if (!(error instanceof CorefileError)) throw error;
    const { line, column } = error.at;
    const lines = text.split('\n');
    assert.ok(line >= 1 && line <= lines.length && column >= 1);
    assert.ok(column <= lines[line - 1]!.length + 1, 'the place is in the template');
  }
}

/** The same text as either key. Whatever counts of it makes a configuration that can be served, and survives in its record. */
function kubeDns(input: Uint8Array): void {
  const text = Buffer.from(input).toString();
  const keys = new Map(
    ['stubDomains', 'upstreamNameservers'].map((name): [string, ConfigMapKey] => [
      name,
      { path: name, text },
    ]),
  );
  const { settings, problems } = readKubeDns(keys, NO_SETTINGS);
  assert.ok(problems.length > 0, 'no text is both');
  const base = { path: 'Corefile.base', text: STUB_TEMPLATE };
  const { blocks, text: rendered } = render(base, settings, OPTIONS);
  readServerBlocks(blocks, { defaultPort: 53, files: FILES, warn: () => {} });
  assert.deepEqual(readRecord(rendered), settings);
  const again = parseCorefile(rendered, { file: 'x', environment: {}, files: FILES });
  assert.equal(printCorefile(again), printCorefile(blocks));
  const [, forward] = /forward \. ([^{\n]*)/.exec(printCorefile(blocks))!;
  assert.equal(/force_tcp/.test(rendered), forward!.includes('/etc/resolv.conf'));
}

export const RENDERING_TARGETS: Readonly<Record<string, Target>> = {
  template: {
    sources: /\/src\/(rendering|corefile)\//,
    run: template,
    tokens: [
      '__PILLAR__UPSTREAM__SERVERS__',
      '__PILLAR__CLUSTER__DNS__',
      '__PILLAR__LOCAL__DNS__',
      '__PILLAR__DNS__SERVER__',
      '__PROMETHEUS__ENDPOINT__',
      '__PILLAR__X__',
      '.:53 {\n',
      'acme.local {',
      'forward . ',
      'bind ',
      'force_tcp',
      '{',
      '}',
      '\n',
      '"',
      '#',
      '\\\n',
      '{$A}',
    ],
  },
  'kube-dns': {
    sources: /\/src\/rendering\//,
    run: kubeDns,
    tokens: [
      '{"',
      '": ["',
      '"], "',
      '"]}',
      '["',
      '", "',
      '"]',
      'acme.local',
      'taken.local',
      '192.0.2.1',
      '[2001:db8::1]:53',
      ':53',
      'ns.example.org',
      '{$A}',
      '{',
      '\\n',
      '/etc/passwd',
      '__PILLAR__LOCAL__DNS__',
    ],
  },
};
