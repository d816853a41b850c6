/** `template` in the Corefile: what is accepted, what it becomes, and what is wrong with the rest. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { configOf, failureOf } from './server-block.ts';

const REVERSE =
  'match ^(?P<d>[0-9]*)[.](?P<c>[0-9]*)[.](?P<b>[0-9]*)[.](?P<a>[0-9]*)[.]in-addr[.]arpa[.]$';

test('a template as data', () => {
  const [template] = configOf(`template IN A example.org Example.NET {
    match ^ip-(?P<a>[0-9]+)[.] ^other[.]
    match third
    answer "{{ .Name }} 60 IN A 10.0.0.{{ .Group.a }}" "{{ .Name }} A 192.0.2.1"
    additional "ns.example.org A 192.0.2.2"
    authority "example.org NS ns.example.org"
    rcode NXDOMAIN
    ederror 21 "not here"
    var a int(group('a'))
    var b a + 1
    expr b > 2
    fallthrough example.org
    upstream
  }`).template;
  assert.deepEqual(template, {
    qclass: 1,
    qtype: 1,
    zones: ['example.org.', 'example.net.'],
    match: ['^ip-(?P<a>[0-9]+)[.]', '^other[.]', 'third'],
    variables: [
      { name: 'a', expression: "int(group('a'))" },
      { name: 'b', expression: 'a + 1' },
    ],
    conditions: ['b > 2'],
    answer: ['{{ .Name }} 60 IN A 10.0.0.{{ .Group.a }}', '{{ .Name }} A 192.0.2.1'],
    additional: ['ns.example.org A 192.0.2.2'],
    authority: ['example.org NS ns.example.org'],
    rcode: 3,
    extendedError: { code: 21, text: 'not here' },
    fallthrough: ['example.org.'],
  });
});

test('defaults, and the order of the file', () => {
  const config = configOf('template ANY ANY\ntemplate IN MX example.org {\nfallthrough\n}');
  assert.deepEqual(
    config.template.map(({ qtype, zones, match, rcode, fallthrough }) => {
      return { qtype, zones, match, rcode, fallthrough };
    }),
    [
      { qtype: 255, zones: ['.'], match: [], rcode: 0, fallthrough: [] },
      { qtype: 15, zones: ['example.org.'], match: [], rcode: 0, fallthrough: ['.'] },
    ],
  );
});

test('what CoreDNS accepts', () => {
  for (const lines of [
    'template ANY ANY {\n}',
    'template ANY ANY {\nanswer "{{ parseInt }}"\nadditional "{{ parseInt }}"\n}',
    'template ANY A example.com {\nanswer "{{ .Name }} A {{ .Group.a }}.{{ .Grup.d }}."\nfallthrough\n}',
    'template ANY AAAA example.com {\nauthority "example.com 60 IN SOA a.b. c.d. (1 60 60 60 60)"\n}',
    `template IN PTR in-addr.arpa {\n${REVERSE}\nanswer "{{ .Name }} 60 IN PTR a."\n}`,
    'template ANY ANY invalid {\nrcode NXDOMAIN\nederror 21 "Blocked according to RFC2606"\n}',
    'template ANY ANY {\nrcode NOTIMPL\n}',
    "template ANY ANY {\nvar a 1\nvar b a + 1\nvar c 'x' + name()\n}",
    'template ANY ANY {\nmatch ^(?P<a>[a-z]+)[.]$\nvar a group("a") + group(1) + group(0)\n}',
    "template ANY ANY {\nexpr incidr(client_ip(), '10.0.0.0/8')\nexpr 1\n}",
  ]) {
    assert.ok(configOf(lines), lines);
  }
});

test('what is wrong, and where', () => {
  const cases: [string, RegExp][] = [
    ['template', /:2:1: template: expected at least 2 arguments/],
    ['template ANY', /:2:1: template: expected at least 2 arguments/],
    ['template X A', /:2:10: template: 'X': expected a class such as IN or ANY/],
    ['template ANY X', /:2:14: template: 'X': expected a type such as AAAA or ANY/],
    ['template ANY ANY {\nnone\n}', /:3:1: template: unknown option 'none': expected match, var/],
    ['template ANY ANY {\nanswer\n}', /:3:1: template: answer: expected at least one argument/],
    [
      'template ANY ANY {\nmatch (\n}',
      /:3:7: template: '\(': expected a regular expression: missing/,
    ],
    ['template ANY ANY {\nrcode\n}', /:3:1: template: rcode: expected one argument/],
    ['template ANY ANY {\nrcode UNDEFINED\n}', /'UNDEFINED': expected an rcode such as NXDOMAIN/],
    [
      'template ANY ANY {\nanswer "{{"\n}',
      /:3:8: template: answer: expected a Go template: template: answer:1: unclosed action/,
    ],
    [
      'template ANY ANY {\nauthority "{{ notAFunction }}"\n}',
      /authority: expected a Go template: template: authority:1: function "notAFunction" not defined/,
    ],
    ['template ANY ANY {\nederror x\n}', /'x': expected an integer from 0 to 65535/],
    ['template ANY ANY {\nederror 1 2 3\n}', /unexpected '3'/],
    ['template ANY ANY {\nvar a\n}', /:3:1: template: var: expected at least 2 arguments/],
    ['template ANY ANY {\nvar 1a 1\n}', /:3:5: template: var: '1a': expected a name/],
    ['template ANY ANY {\nvar name 1\n}', /var: 'name': expected a name that is not taken/],
    ['template ANY ANY {\nvar group 1\n}', /'group': expected a name/],
    ['template ANY ANY {\nvar len 1\n}', /'len': expected a name/],
    ['template ANY ANY {\nvar true 1\n}', /'true': expected a name/],
    ['template ANY ANY {\nvar a 1\nvar a 2\n}', /:4:5: template: var: 'a': expected a name/],
    [
      'template ANY ANY {\nvar a 1 +\n}',
      /var: expected an expression: unexpected end of expression/,
    ],
    ['template ANY ANY {\nvar a b + 1\nvar b 1\n}', /unknown name b/],
    [
      "template ANY ANY {\nvar a 1\nexpr a + 'x'\n}",
      /expr: expected an expression: invalid operation: \+/,
    ],
    ['template ANY ANY {\nexpr\n}', /expr: expected at least one argument/],
  ];
  for (const [lines, expected] of cases) assert.match(failureOf(lines), expected, lines);
});

test('its languages are loaded by the first Corefile that has one, not before', () => {
  const program = `
    const { registerHooks } = await import('node:module');
    const loads = [];
    registerHooks({ load: (url, context, next) => (loads.push(url), next(url, context)) });
    const { configOf } = await import(process.argv[1]);
    await import(process.argv[2]);
    const has = () => ['gotemplate', 'expression', 'zone-record'].map((part) =>
      loads.some((url) => url.includes('/src/') && url.includes(part)));
    configOf('errors');
    const before = has();
    const { createTemplateStage } = await import(process.argv[3]);
    const { template } = configOf('template IN A {\\nanswer "{{ .Name }} A 192.0.2.1"\\n}');
    createTemplateStage(template, {});
    console.log(JSON.stringify([before, has()]));
  `;
  const files = [
    './server-block.ts',
    '../../src/control/chain.ts',
    '../../src/directives/template-loader.ts',
  ];
  const urls = files.map((file) => new URL(file, import.meta.url).href);
  const { stdout, stderr } = spawnSync(process.execPath, [
    ...['--input-type=module', '-e', program, ...urls],
  ]);
  const expected = [Array(3).fill(false), Array(3).fill(true)];
  assert.equal(stdout.toString(), `${JSON.stringify(expected)}\n`, stderr.toString());
});

test('a pattern is as long as it may be, and no longer', () => {
  const linesOf = (size: number) => `template IN A {\n  match ${'a'.repeat(size)}\n}`;
  assert.equal(configOf(linesOf(10_000)).template.length, 1);
  assert.match(failureOf(linesOf(10_001)), /match: expected at most 10000 characters of pattern/);
});
