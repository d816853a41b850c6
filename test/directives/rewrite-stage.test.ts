/** `rewrite`: what a question becomes, and what of it the client sees. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Labels } from '../../src/directives/labels.ts';
import { RewriteStage } from '../../src/directives/rewrite-stage.ts';
import { configOf, failureOf } from './server-block.ts';
import { type AskOptions, type Behind, questionFrom, StagePlay } from './stage-play.ts';

const NO_LABELS = new Labels(undefined);

function playOf(corefile: string, behind: Behind = {}): StagePlay {
  return new StagePlay(new RewriteStage(configOf(corefile).rewrite, NO_LABELS), behind);
}

/** The question that comes to the stages behind. */
async function askedAfter(corefile: string, text: string, options: AskOptions = {}) {
  const play = playOf(corefile);
  await play.ask(text, options);
  return play.asked[0];
}

const FOUND = { 'b.example.org. A': { records: ['b.example.org 5 A 192.0.2.1'] } };

suite('name', () => {
  test('exact: the client sees its own name', async () => {
    for (const rule of [
      'name a.example.org b.example.org',
      'stop name exact A.example.org. B.example.org',
    ]) {
      const play = playOf(`rewrite ${rule}`, FOUND);
      assert.deepEqual(await play.ask('A.Example.org A'), ['a.example.org 5 A 192.0.2.1']);
      assert.deepEqual(play.asked, ['b.example.org. A']);
    }
  });

  test('what no rule is for passes as it is', async () => {
    const play = playOf('rewrite name a.example.org b.example.org', FOUND);
    assert.deepEqual(await play.ask('b.example.org A'), ['b.example.org 5 A 192.0.2.1']);
  });

  test('exact: names below the rewritten one, and names in RDATA, go back too', async () => {
    const play = playOf('rewrite name a.example.org b.example.org', {
      'b.example.org. SRV': {
        records: [
          'b.example.org 5 SRV 1 2 80 one.b.example.org',
          'additional one.b.example.org 5 A 192.0.2.1',
          'authority example.org 5 NS xb.example.org',
        ],
      },
    });
    assert.deepEqual(await play.ask('a.example.org SRV'), [
      'a.example.org 5 SRV 1 2 80 one.a.example.org',
      'authority example.org 5 NS xb.example.org',
      'additional one.a.example.org 5 A 192.0.2.1',
    ]);
  });

  const table: readonly [rule: string, name: string, asked: string][] = [
    ['name prefix a b', 'a.example.org', 'b.example.org.'],
    ['name prefix a b', 'ab.example.org', 'ab.example.org.'],
    ['name suffix .old.org .new.org', 'x.old.org', 'x.new.org.'],
    ['name suffix old.org. new.org.', 'xold.org', 'xnew.org.'],
    ['name substring mid.old new', 'a.mid.old.example', 'a.new.example.'],
    ['name regex (.*)-(us)\\.example\\.org {1}.{2}.consul', 'ftp-us.example.org', 'ftp.us.consul.'],
    ['name regex ^(a)(b)\\. {0}{2}.x', 'ab.c', 'ab.b.x.'],
  ];
  for (const [rule, name, asked] of table) {
    test(`${rule}: ${name}`, async () => {
      assert.equal(await askedAfter(`rewrite ${rule}`, `${name} A`), `${asked} A`);
    });
  }

  test('without answer auto the answer keeps the other name', async () => {
    const play = playOf('rewrite name regex ^a\\. b.', FOUND);
    assert.equal((await play.ask('a.example.org A'))[0]!.startsWith('SERVFAIL'), true);
    const substring = playOf('rewrite name substring a.example.org. b.example.org.', FOUND);
    assert.deepEqual(await substring.ask('a.example.org A'), ['b.example.org 5 A 192.0.2.1']);
  });

  test('answer auto: back to the old name, or the suffix turned round', async () => {
    const prefix = playOf('rewrite name prefix a. b. answer auto', FOUND);
    assert.deepEqual(await prefix.ask('a.example.org A'), ['a.example.org 5 A 192.0.2.1']);
    const suffix = playOf('rewrite name suffix .old.org .new.org answer auto', {
      'x.new.org. A': { records: ['x.new.org 5 CNAME y.new.org', 'y.new.org 5 A 192.0.2.1'] },
    });
    assert.deepEqual(await suffix.ask('x.old.org A'), [
      'x.old.org 5 CNAME y.old.org',
      'y.old.org 5 A 192.0.2.1',
    ]);
  });

  test('answer name and answer value, also in a block and without the second answer', async () => {
    const behind: Behind = {
      'ftp.us.consul. MX': {
        records: [
          'ftp.us.consul 5 MX 1 mail.us.consul',
          'authority us.consul 5 SOA ns.us.consul h.us.consul',
        ],
      },
    };
    const rule =
      'name regex (.*)-(us)\\.org {1}.{2}.consul\nanswer name (.*)\\.us\\.consul {1}-us.org';
    const value = 'value (.*)\\.us\\.consul\\. {1}.example.org.';
    const expected = [
      'ftp-us.org 5 MX 1 mail.example.org',
      'authority us.consul 5 SOA ns.example.org h.us.consul',
    ];
    for (const corefile of [
      `rewrite stop {\n${rule}\nanswer ${value}\n}`,
      `rewrite ${rule.replace('\n', ' ')} ${value}`,
    ]) {
      assert.deepEqual(await playOf(corefile, behind).ask('ftp-us.org MX'), expected);
    }
  });

  test('a name that is none is an error', async () => {
    const long = 'x'.repeat(64);
    assert.deepEqual(await playOf(`rewrite name a.example ${long}.example`).ask('a.example A'), [
      `SERVFAIL: invalid name after rewrite: ${long}.example.`,
    ]);
  });

  test('an answer whose rewritten name would be none keeps it', async () => {
    const play = playOf(
      `rewrite name regex ^a b.example.org answer name (b).* ${'{1}'.repeat(70)}`,
      FOUND,
    );
    assert.deepEqual(await play.ask('a A'), ['b.example.org 5 A 192.0.2.1']);
  });
});

test('type and class', async () => {
  assert.equal(await askedAfter('rewrite type ANY HINFO', 'a.example ANY'), 'a.example. HINFO');
  assert.equal(await askedAfter('rewrite type ANY HINFO', 'a.example A'), 'a.example. A');
  const stage = new RewriteStage(configOf('rewrite class CH IN').rewrite, NO_LABELS);
  const question = questionFrom('a.example TXT', { qclass: 'CH' });
  let qclass = 0;
  await stage.resolve(question, (asked) => {
    qclass = asked.qclass;
    return Promise.resolve({ ok: false, rcode: 2, reason: undefined });
  });
  assert.equal(qclass, 1);
});

suite('ttl', () => {
  const behind = (ttl: number): Behind => ({
    'a.example. A': {
      records: [`a.example ${ttl} A 192.0.2.1`, `authority example ${ttl} NS n.example`],
    },
  });
  const table: readonly [range: string, before: number, after: number][] = [
    ['15', 300, 15],
    ['30-300', 5, 30],
    ['30-300', 500, 300],
    ['30-300', 100, 100],
    ['-30', 31, 30],
    ['-30', 3, 3],
    ['30-', 5, 30],
    ['30-', 5000, 5000],
  ];
  for (const [range, before, after] of table) {
    test(`${range}: ${before} becomes ${after}`, async () => {
      const lines = await playOf(`rewrite ttl a.example ${range}`, behind(before)).ask(
        'a.example A',
      );
      assert.deepEqual(lines, [
        `a.example ${after} A 192.0.2.1`,
        `authority example ${after} NS n.example`,
      ]);
    });
  }

  test('for the names that match', async () => {
    for (const match of ['prefix b', 'suffix .net', 'substring b', 'regex ^b', 'exact b.example']) {
      const lines = await playOf(`rewrite ttl ${match} 15`, behind(300)).ask('a.example A');
      assert.equal(lines[0], 'a.example 300 A 192.0.2.1', match);
    }
    for (const match of ['prefix a', 'suffix .example', 'substring a.example', 'regex ^a']) {
      const lines = await playOf(`rewrite ttl ${match} 15`, behind(300)).ask('a.example A');
      assert.equal(lines[0], 'a.example 15 A 192.0.2.1', match);
    }
  });
});

suite('rcode', () => {
  const behind: Behind = { 'a.example. A': { rcode: 3 }, 'b.example. A': 'no luck' };

  test('of an answer, by name or number', async () => {
    const lines = (rule: string) => playOf(`rewrite rcode ${rule}`, behind).ask('a.example A');
    assert.deepEqual(await lines('a.example NXDOMAIN SERVFAIL'), ['SERVFAIL']);
    assert.deepEqual(await lines('suffix .example 3 0'), []);
    assert.deepEqual(await lines('a.example SERVFAIL NOERROR'), ['NXDOMAIN']);
  });

  test('of a failure, which is an empty answer then', async () => {
    const play = playOf('rewrite rcode b.example SERVFAIL NOERROR', behind);
    assert.deepEqual(await play.ask('b.example A'), []);
    const other = playOf('rewrite rcode b.example REFUSED NOERROR', behind);
    assert.deepEqual(await other.ask('b.example A'), ['SERVFAIL: no luck']);
  });
});

suite('cname', () => {
  const behind: Behind = {
    'a.example. A': {
      records: [
        'a.example 5 CNAME b.example',
        'b.example 5 CNAME x.cdn.example',
        'x.cdn.example 5 A 192.0.2.1',
      ],
    },
    'x.other.example. A': { records: ['x.other.example 7 A 192.0.2.2'] },
  };

  test('the records of the new target take the place of those behind', async () => {
    const expected = [
      'a.example 5 CNAME b.example',
      'b.example 5 CNAME x.other.example',
      'x.other.example 7 A 192.0.2.2',
    ];
    for (const match of [
      'x.cdn.example x.other.example',
      'exact x.cdn.example. x.other.example.',
      'suffix .cdn.example. .other.example.',
      'substring cdn other',
      'regex (.*)\\.cdn\\.(.*) {1}.other.{2}',
      'prefix x.cdn x.other',
    ]) {
      const play = playOf(`rewrite cname ${match}`, behind);
      assert.deepEqual(await play.ask('a.example A'), expected, match);
      assert.deepEqual(play.asked, ['a.example. A', 'x.other.example. A'], match);
    }
  });

  test('stays where there is no such target, or the new one fails', async () => {
    for (const rule of ['y.cdn.example x.other.example', 'x.cdn.example x.nowhere.example']) {
      const lines = await playOf(`rewrite cname ${rule}`, behind).ask('a.example A');
      assert.equal(lines[1], 'b.example 5 CNAME x.cdn.example', rule);
    }
  });
});

suite('edns0', () => {
  const table: readonly [rules: string, options: string, client?: AskOptions][] = [
    ['rewrite edns0 local set 0xffee abcd', ' 65518=61626364'],
    ['rewrite edns0 local append 65518 0x61626364 revert', ' 65518=61626364'],
    ['rewrite edns0 local replace 0xffee abcd', ''],
    ['rewrite continue edns0 local set 1 a\nrewrite edns0 local replace 1 b', ' 1=62'],
    ['rewrite continue edns0 local set 1 a\nrewrite edns0 local append 1 b', ' 1=61'],
    ['rewrite continue edns0 local set 1 a\nrewrite edns0 local unset 1', ''],
    ['rewrite edns0 nsid set', ' 3='],
    ['rewrite edns0 subnet set 24 56', ' 8=00011800c00002'],
    ['rewrite edns0 subnet set 20 56', ' 8=00011400c00000'],
    [
      'rewrite edns0 subnet set 24 52',
      ' 8=0002340020010db8123450',
      { client: '2001:db8:1234:5678::1' },
    ],
    ['rewrite edns0 subnet set 0 0', ' 8=00010000'],
    ['rewrite edns0 local set 1 {qname}', ' 1=612e6578616d706c652e'],
    ['rewrite edns0 local set 1 {qtype}', ' 1=0001'],
    ['rewrite edns0 local set 1 {client_ip}', ' 1=c0000263'],
    ['rewrite edns0 local set 1 {client_port}', ' 1=1267'],
    ['rewrite edns0 local set 1 {protocol}', ' 1=746370', { transport: 'tcp' }],
    ['rewrite edns0 local set 1 {server_ip}', ' 1=c0000235'],
    ['rewrite edns0 local set 1 {server_port}', ' 1=0035'],
    ['rewrite edns0 local set 1 {forward/upstream}', ''],
    ['rewrite edns0 subnet set 24 56', '', { client: undefined }],
  ];
  for (const [rules, options, client] of table) {
    test(rules.replaceAll('\n', '; '), async () => {
      assert.equal(await askedAfter(rules, 'a.example A', client), `a.example. A${options}`);
    });
  }

  test('what is another for each client makes the answer its own', () => {
    const isPersonal = (rule: string) =>
      new RewriteStage(configOf(`rewrite ${rule}`).rewrite, NO_LABELS).isPersonal;
    assert.equal(isPersonal('edns0 subnet set 24 56'), true);
    assert.equal(isPersonal('edns0 local set 1 {client_ip}'), true);
    assert.equal(isPersonal('edns0 local set 1 {qname}'), false);
    assert.equal(isPersonal('name a b'), false);
  });
});

suite('several rules', () => {
  test('the first that applies is the last, but with continue', async () => {
    const rules = (mode: string) =>
      `rewrite ${mode} name a.example b.example\nrewrite name b.example c.example`;
    assert.equal(await askedAfter(rules('stop'), 'a.example A'), 'b.example. A');
    assert.equal(await askedAfter(rules('continue'), 'a.example A'), 'c.example. A');
    assert.equal(await askedAfter(rules('stop'), 'b.example A'), 'c.example. A');
  });

  test('the answer passes them in reverse order', async () => {
    const play = playOf(
      'rewrite continue name a.example b.example\nrewrite continue name b.example c.example\nrewrite ttl c.example 9',
      { 'c.example. A': { records: ['c.example 5 A 192.0.2.1'] } },
    );
    assert.deepEqual(await play.ask('a.example A'), ['a.example 9 A 192.0.2.1']);
  });
});

test('a label of metadata is the data of an option', async () => {
  const { rewrite } = configOf('rewrite edns0 local set 1 {trace/traceid}');
  const play = new StagePlay(new RewriteStage(rewrite, new Labels(['example.'])));
  const span = { traceId: 'abc', child: () => span, tag: () => {}, end: () => {} };
  await play.resolve({ ...questionFrom('a.example A'), span });
  await play.resolve({ ...questionFrom('a.elsewhere A'), span });
  assert.deepEqual(play.asked, ['a.example. A 1=616263', 'a.elsewhere. A']);
});

test('what the Corefile may not say', () => {
  const table: Record<string, RegExp> = {
    'rewrite stop': /stop: expected a rule behind it/,
    'rewrite opcode A B': /'opcode': expected name, type/,
    'rewrite answer name a b': /answer: expected a name rule before it/,
    'rewrite name a': /name: expected \[MATCH\] FROM TO/,
    'rewrite name fuzzy a b': /'fuzzy': expected exact/,
    'rewrite name regex [bad[ b': /expected a regular expression/,
    'rewrite name regex (a) b auto': /unexpected 'auto': expected answer/,
    'rewrite name regex (a) b answer auto answer name (a) b': /expected no answer name beside it/,
    'rewrite ttl a.example': /ttl: expected \[MATCH\] and 2 words/,
    'rewrite rcode a.example 77 NOERROR': /'77': expected an rcode/,
    'rewrite edns0 local set 70000 a': /expected an option code from 0 to 65535/,
    [`rewrite edns0 local set 1 ${'a'.repeat(513)}`]: /at most 512 characters/,
    'rewrite edns0 local set 1 0xabc': /expected hexadecimal octets behind 0x/,
    'rewrite name a b {\ntype A AAAA\n}': /unexpected block: the rule stands before it/,
  };
  for (const [corefile, message] of Object.entries(table)) {
    assert.match(failureOf(corefile), message, corefile);
  }
});
