/** `template` at work: which template takes a question, and what it makes of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Labels } from '../../src/directives/labels.ts';
import type { Question, Resolution } from '../../src/directives/resolution.ts';
import { type TemplateCounts, TemplateStage } from '../../src/directives/template-stage.ts';
import { nameToText } from '../../src/wire/name.ts';
import { FLAG } from '../../src/wire/registry.ts';
import { configOf } from './server-block.ts';
import { questionFrom, StagePlay } from './stage-play.ts';

const BEHIND = {
  'behind.example. A': { records: ['behind.example 5 A 192.0.2.99'] },
};

interface Counted {
  readonly matched: string[];
  readonly failed: string[];
  readonly exceeded: string[];
}

function countsInto({ matched, failed, exceeded }: Counted): TemplateCounts {
  return {
    matched: (_question, { zone, qclass, qtype }) => matched.push(`${zone} ${qclass} ${qtype}`),
    failed: (what, _question, { zone }, section, template) => {
      failed.push(`${what} ${zone} ${section} ${template}`);
    },
    boundExceeded: (language) => exceeded.push(language),
  };
}

function set(lines: string): { play: StagePlay; stage: TemplateStage } & Counted {
  const counted: Counted = { matched: [], failed: [], exceeded: [] };
  const { template, metadata } = configOf(lines);
  const labels = new Labels(metadata);
  const stage = new TemplateStage(template, { labels, counts: countsInto(counted) });
  return { play: new StagePlay(stage, BEHIND), stage, ...counted };
}

const IP = `template IN A example {
  match (^|[.])ip-10-(?P<b>[0-9]*)-(?P<c>[0-9]*)-(?P<d>[0-9]*)[.]example[.]$
  answer "{{ .Name }} 60 IN A 10.{{ .Group.b }}.{{ .Group.c }}.{{ .Group.d }}"
  fallthrough
}`;

test('records out of the name, with AA', async () => {
  const { play, matched } = set(IP);
  assert.deepEqual(await play.ask('a.IP-10-95-12-8.example A'), [
    'a.ip-10-95-12-8.example 60 A 10.95.12.8',
  ]);
  assert.deepEqual(matched, ['example. IN A']);
  const resolution = await play.resolve(questionFrom('ip-10-0-0-1.example A'));
  assert(resolution.ok);
  assert.equal(resolution.response.body.flags & FLAG.AA, FLAG.AA);
  assert.equal(resolution.by, 'template');
});

test('what is not its business goes on', async () => {
  const { play, matched } = set(`${IP}\ntemplate CH TXT other`);
  await play.ask('ip-10-0-0-1.example AAAA');
  await play.ask('ip-10-0-0-1.elsewhere A');
  await play.ask('x.other TXT');
  assert.deepEqual(await play.ask('behind.example A'), ['behind.example 5 A 192.0.2.99']);
  assert.deepEqual(play.asked, [
    'ip-10-0-0-1.example. AAAA',
    'ip-10-0-0-1.elsewhere. A',
    'x.other. TXT',
    'behind.example. A',
  ]);
  assert.deepEqual(matched, []);
});

test('no match and no fallthrough is SERVFAIL, silently', async () => {
  const { play, matched } = set('template IN MX example {\nmatch ^ip-\n}');
  assert.deepEqual(await play.ask('www.example MX'), ['SERVFAIL: undefined']);
  assert.deepEqual([play.asked, matched], [[], []]);
});

test('fallthrough for some zones only', async () => {
  const { play } = set('template IN A {\nmatch ^ip-\nfallthrough some.example\n}');
  assert.deepEqual(await play.ask('www.example A'), ['SERVFAIL: undefined']);
  await play.ask('www.some.example A');
  assert.deepEqual(play.asked, ['www.some.example. A']);
});

test('templates in the order of the file, patterns in their own', async () => {
  const { play } = set(`
    template IN A example {
      match ^one[.] ^(?P<first>.)
      answer "{{ .Name }} 1 A 192.0.2.{{ len .Match }}"
      fallthrough
    }
    template ANY ANY {
      answer "{{ .Name }} 2 {{ .Class }} TXT {{ .Type }}-{{ .Zone }}"
    }`);
  assert.deepEqual(await play.ask('one.example A'), ['one.example 1 A 192.0.2.1']);
  assert.deepEqual(await play.ask('two.example A'), ['two.example 1 A 192.0.2.2']);
  assert.deepEqual(await play.ask('two.example MX'), ['two.example 2 TXT MX-.']);
});

test('sections and rcode', async () => {
  const { play } = set(`template IN MX example {
    answer "{{ .Name }} 60 IN MX 10 mail.example."
    additional "mail.example. IN A 203.0.113.8"
    authority "example. 60 IN NS ns0.example." "example. 60 IN NS ns1.example."
  }
  template ANY ANY invalid {
    rcode NXDOMAIN
    authority "invalid. 60 {{ .Class }} SOA ns.invalid. hostmaster.invalid. (1 60 60 60 60)"
  }
  template ANY ANY refused.test {
    rcode REFUSED
  }`);
  assert.deepEqual(await play.ask('a.example MX'), [
    'a.example 60 MX 10 mail.example',
    'authority example 60 NS ns0.example',
    'authority example 60 NS ns1.example',
    'additional mail.example 3600 A 203.0.113.8',
  ]);
  assert.deepEqual(await play.ask('www.invalid AAAA'), [
    'NXDOMAIN',
    'authority invalid 60 SOA ns.invalid hostmaster.invalid',
  ]);
  assert.deepEqual(await play.ask('a.refused.test A'), ['REFUSED']);
});

test('rcode SERVFAIL answers nothing else', async () => {
  const { play, matched } = set(
    'template IN A {\nrcode SERVFAIL\nanswer "{{ .Name }} A 192.0.2.1"\n}',
  );
  assert.deepEqual(await play.ask('a.example A'), ['SERVFAIL: undefined']);
  assert.equal(matched.length, 1);
});

test('a template that fails, and one that prints no record', async () => {
  const { play, failed } = set(`
    template IN TXT example {
      answer "{{ .Name }} 60 IN TXT \\"{{ index .Match 2 }}\\""
    }
    template IN A example {
      answer "{{ .Name }} 60 IN A 192.0.2.1"
      authority "{{ .Name }}"
    }
    template IN MX example {
      answer "{{ .Name }} 60 IN TXT \\"{{ parseInt \\"gg\\" 16 8 }}\\""
    }`);
  assert.deepEqual(await play.ask('test.example TXT'), [
    'SERVFAIL: template: answer:1:26: executing "answer" at <index .Match 2>: error calling index: index out of range: 2',
  ]);
  assert.deepEqual(await play.ask('test.example A'), [
    'SERVFAIL: dns: no type behind: "test.example." at line: 1:1',
  ]);
  assert.deepEqual(await play.ask('test.example MX'), [
    'SERVFAIL: template: answer:1:26: executing "answer" at <parseInt "gg" 16 8>: error calling parseInt: strconv.ParseUint: parsing "gg": invalid syntax',
  ]);
  assert.deepEqual(failed, [
    'template example. answer {{.Name}} 60 IN TXT "{{index .Match 2}}"',
    'rr example. authority {{.Name}}',
    'template example. answer {{.Name}} 60 IN TXT "{{parseInt "gg" 16 8}}"',
  ]);
});

test('an answer too large for a message', async () => {
  const { play } = set(`template IN TXT {
    answer "{{ $n := .Name }}{{ .Name }} TXT {{ range 300 }}\\"{{ printf \\"%0250d\\" 1 }}\\" {{ end }}"
  }`);
  const [line] = await play.ask('a.example TXT');
  assert.match(line!, /^SERVFAIL: the answer of a template does not fit into a message/);
});

test('all that a template sees', async () => {
  const { play, stage } = set(String.raw`template IN TXT example {
    match "^(?P<host>[a-z]+)-(\d+)[.]"
    answer "{{ .Name }} TXT {{ .Zone }} {{ .Name }} {{ .Class }} {{ .Type }} {{ .Remote }} {{ .Group.host }}/{{ index .Group \"2\" }}/{{ index .Match 2 }}"
    additional "x. TXT {{ .Question.Name }} {{ .Question.Qtype }} {{ .Question.Qclass }} {{ .Message.Id }} {{ .Message.RecursionDesired }} {{ (index .Message.Question 0).Name }} {{ len .Message.Extra }}"
    additional "y. TXT \"<{{ .Meta \"a/b\" }}>\" {{ with .Message.IsEdns0 }}{{ .UDPSize }} {{ .Do }}{{ else }}plain{{ end }}"
  }`);
  assert.equal(stage.isPersonal, true);
  const lines = await play.ask('web-7.Example TXT', { client: '2001:db8::9' });
  assert.deepEqual(lines, [
    'web-7.example 3600 TXT example.,web-7.example.,IN,TXT,2001:db8::9,web/7/7',
    'additional x 3600 TXT web-7.example.,16,1,0,true,web-7.example.,1',
    'additional y 3600 TXT <>,0,false',
  ]);
});

test('variables and conditions', async () => {
  const { play, stage } = set(`template IN A example {
    match ^(?P<n>[0-9]+)[.]example[.]$
    var num int(group('n'))
    var next num + 1
    expr num > 1
    expr num < 100
    answer "{{ .Name }} 60 IN A 10.0.{{ .Var.num }}.{{ .Var.next }}"
    fallthrough
  }
  template IN TXT example {
    var local incidr(client_ip(), '10.0.0.0/8')
    answer "{{ .Name }} TXT {{ if .Var.local }}in{{ else }}out{{ end }} {{ len .Var }}"
  }
  template IN AAAA example {
    expr incidr('notanip', '10.0.0.0/8')
    fallthrough
  }
  template IN MX example {
    expr 1
  }`);
  assert.equal(stage.isPersonal, true);
  assert.deepEqual(await play.ask('7.example A'), ['7.example 60 A 10.0.7.8']);
  for (const name of ['1.example', '100.example', 'x.example']) await play.ask(`${name} A`);
  assert.deepEqual(play.asked, ['1.example. A', '100.example. A', 'x.example. A']);
  assert.deepEqual(await play.ask('a.example TXT', { client: '10.1.2.3' }), [
    'a.example 3600 TXT in,1',
  ]);
  assert.deepEqual(await play.ask('a.example TXT', { client: '2001:db8::1' }), [
    'a.example 3600 TXT out,1',
  ]);
  assert.deepEqual(await play.ask('a.example AAAA'), [
    'SERVFAIL: template: expr: first argument is not an IP address',
  ]);
  assert.deepEqual(await play.ask('a.example MX'), ['SERVFAIL: undefined']);
});

test('the targets of CNAMEs are looked up where addresses are asked for', async () => {
  const { stage } = set(`template IN ANY example {
    answer "{{ .Name }} 60 IN CNAME Behind.example."
  }`);
  const asked: string[] = [];
  const { play } = set('template IN TXT');
  const askAgain = (question: Question): Promise<Resolution> => {
    asked.push(nameToText(question.qname));
    return play.resolve(question);
  };
  for (const [type, count] of [
    ['A', 2],
    ['MX', 1],
    ['AAAA', 1],
  ] as const) {
    const question = { ...questionFrom(`www.example ${type}`), askAgain };
    const resolution = await stage.resolve(question);
    assert(resolution?.ok, type);
    assert.equal(resolution.response.body.answerCount, count, type);
  }
  assert.deepEqual(asked, ['behind.example.', 'behind.example.']);
});

test('labels of metadata', async () => {
  const lines = `template IN TXT {
    var trace metadata('trace/traceid')
    answer "{{ .Name }} TXT <{{ .Meta \\"trace/traceid\\" }}> <{{ .Var.trace }}> <{{ .Meta \\"forward/upstream\\" }}>"
  }`;
  const span = { traceId: 'abc', child: () => span, tag: () => {}, end: () => {} };
  const question = { ...questionFrom('a.example TXT'), span };
  for (const [extra, expected] of [
    ['metadata', '<abc> <abc> <>'],
    ['', '<> <> <>'],
  ] as const) {
    const resolution = await set(`${extra}\n${lines}`).stage.resolve(question);
    assert(resolution?.ok);
    const strings = expected.split(' ').map((text) => String.fromCharCode(text.length) + text);
    const text = Buffer.from(resolution.response.body.octets).toString('latin1');
    assert(text.endsWith(strings.join('')), text);
  }
});

test('dates, durations and lists of variables', async () => {
  const { play } = set(String.raw`template IN TXT example {
    var day date('2024-02-29 10:30:00')
    var wait duration('90m') * 2
    var groups "groupBy(['a', 'bb', 'cc'], len(#))"
    answer "{{ .Name }} TXT {{ .Var.day.Year }} {{ .Var.day.Format \"02-Jan\" }} {{ .Var.day.Month }} {{ .Var.wait }} {{ .Var.wait.Hours }} {{ len (index .Var.groups \"2\") }}"
  }
  template IN MX example {
    var day date('2024-02-29')
    answer "{{ .Var.day.AddDate 999999 0 0 }}"
  }`);
  assert.deepEqual(await play.ask('a.example TXT'), [
    'a.example 3600 TXT 2024,29-Feb,February,3h0m0s,3,2',
  ]);
  const [line] = await play.ask('a.example MX');
  assert.match(line!, /error calling AddDate: date out of range$/);
});

test('$env and octets', async () => {
  const { play } = set(`template IN TXT example {
    var letters "b'ab'"
    var env $env
    expr "$env.name() endsWith 'example.' && 'letters' in $env"
    answer "{{ .Name }} TXT {{ index .Var.letters 1 }} {{ index .Var.env.letters 0 }} {{ .Var.env.type }}"
  }`);
  assert.deepEqual(await play.ask('a.example TXT'), ['a.example 3600 TXT 98,97,func,type']);
});

test('what ends at a bound is counted, other failures are not', async () => {
  for (const [body, expected] of [
    ['answer "{{ range 1000000 }}{{ end }}"', ['template']],
    [
      'answer "{{ define \\"a\\" }}{{ template \\"a\\" }}{{ end }}{{ template \\"a\\" }}"',
      ['template'],
    ],
    ['answer "{{ range 100 }}{{ printf \\"%9999d\\" 1 }}{{ end }}"', ['template']],
    ['answer "{{ printf \\"%999999d\\" 1 }}"', ['template']],
    ['answer "{{ index .Match 5 }}"', []],
    ['expr "all(1..1000, all(1..1000, # > 0))"', ['expression']],
    ["expr len(repeat('ab', 1000000)) > 0", ['expression']],
    ["expr incidr('no address', '192.0.2.0/24')", []],
  ] as const) {
    const { play, exceeded } = set(`template IN A example {\n${body}\n}`);
    const [reply] = await play.ask('www.example A');
    assert.match(reply!, /^SERVFAIL: template: /, body);
    assert.deepEqual(exceeded, expected, body);
  }
});
