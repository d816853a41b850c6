/** Corefiles inside of Kubernetes manifests: which are found, and to which line of the manifest a finding points. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lint } from '../../src/lint/lint.ts';
import { textSource } from '../../src/lint/source.ts';

function places(text: string, file = 'cm.yaml'): string[] {
  const findings = lint(textSource(file, text), {
    localIps: [],
    resolvConfPath: undefined,
    environment: {},
  });
  return findings
    .filter(({ level }) => level === 'error')
    .map(({ rule, at }) => `${at.file}:${at.line}:${at.column} ${rule}`);
}

const BLOCK = `# a comment
kind: Service
metadata: {name: kube-dns-upstream}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: node-local-dns
data:
  Corefile: |

      . {
          cahce 30
          forward . 192.0.2.1
      }
  other: x
`;

test('a block scalar: the very line and column', () => {
  assert.deepEqual(places(BLOCK), ['cm.yaml:13:11 unknown-directive']);
  assert.deepEqual(places(BLOCK.replaceAll('\n', '\r\n')), ['cm.yaml:13:11 unknown-directive']);
  assert.deepEqual(places(BLOCK.replace('|', '|-')), ['cm.yaml:13:11 unknown-directive']);
  assert.deepEqual(places(BLOCK.replace('|', '|4')), ['cm.yaml:13:11 unknown-directive']);
});

test('a manifest is known by its text too', () => {
  assert.deepEqual(places(BLOCK, 'stdin'), ['stdin:13:11 unknown-directive']);
  assert.deepEqual(places('. {\ncahce\n}\n', 'stdin'), ['stdin:2:1 unknown-directive']);
});

test('quoted text, JSON and lists: the place of the text', () => {
  const quoted = 'kind: ConfigMap\ndata:\n  Corefile: ". {\\n cahce\\n}\\n"\n';
  assert.deepEqual(places(quoted), ['cm.yaml:3:13 unknown-directive']);
  const configMap = { kind: 'ConfigMap', data: { Corefile: '. {\ncahce\n}' } };
  const list = { apiVersion: 'v1', kind: 'List', items: [{ kind: 'Pod' }, configMap, configMap] };
  for (const file of ['cm.json', 'stdin']) {
    const found = places(JSON.stringify(list, undefined, 1), file);
    assert.deepEqual(found.length, 2);
    assert.match(found[0]!, new RegExp(`^${file}:\\d+:\\d+ unknown-directive$`));
  }
});

test('Corefile.base, and several ConfigMaps', () => {
  const two = `${BLOCK}---\n${BLOCK.replace('Corefile:', 'Corefile.base:')}`;
  assert.deepEqual(places(two), [
    'cm.yaml:13:11 unknown-directive',
    'cm.yaml:30:11 unknown-directive',
  ]);
});

test('what holds no Corefile, or is no YAML', () => {
  for (const text of [
    'kind: ConfigMap\n',
    'kind: ConfigMap\ndata: x\n',
    'kind: ConfigMap\ndata:\n  Corefile: [1]\n',
    'kind: Secret\ndata:\n  Corefile: x\n',
    '',
    '- a\n',
    'kind: ConfigMap\ndata:\n  Corefile: *nobody\n'.replace('*nobody', 'null'),
  ]) {
    assert.deepEqual(places(text), ['cm.yaml:1:1 no-corefile'], text);
  }
  assert.match(places('kind: [\n').join(), /^cm\.yaml:\d+:\d+ invalid-manifest$/);
  assert.match(places('a: *nobody\n').join(), /no-corefile|invalid-manifest/);
});

test('an alias bomb costs nothing', () => {
  const rows = Array.from(
    { length: 30 },
    (_, row) => `a${row + 1}: &a${row + 1} [*a${row}, *a${row}]`,
  );
  const bomb = `kind: ConfigMap\na0: &a0 [x]\n${rows.join('\n')}\ndata:\n  Corefile: |\n    . {\n    cahce\n    }\n`;
  assert.deepEqual(places(bomb).length, 1);
});
