/**
 * `template`: answers made of the question are cached like any other, lead to whatever block a CNAME's target belongs to, and
 * are counted; a template that fails says so in the log.
 */
import assert from 'node:assert/strict';
import type { Reply } from '../support/messages.ts';
import { addresses } from '../support/scripted-replies.ts';
import { onEachBackend, type StagePorts, until } from './stage.ts';

const COREFILE = ({ dns, prometheus, upstream }: StagePorts) => `
(common) {
  bind 127.0.0.1
  errors
  prometheus 127.0.0.1:${prometheus}
}
made.test:${dns} {
  import common
  cache
  template IN A made.test {
    match "^ip-(?P<c>[0-9]+)-(?P<d>[0-9]+)[.]"
    answer "{{ .Name }} 60 IN A 192.0.{{ .Group.c }}.{{ .Group.d }}"
    fallthrough
  }
  template IN ANY gone.made.test {
    rcode NXDOMAIN
    ederror 15 "gone for good"
    authority "{{ .Zone }} 77 IN SOA ns.{{ .Zone }} admin.{{ .Zone }} (1 2 3 4 5)"
  }
  template IN TXT broken.made.test {
    answer "{{ .Name }} TXT {{ index .Match 5 }}"
  }
  template IN MX broken.made.test {
    answer "{{ .Name }} MX nowhere"
  }
  template IN SRV long.made.test {
    answer "{{ range 1000000 }}{{ end }}"
  }
  template IN SRV slow.made.test {
    expr "all(1..1000, all(1..1000, # > 0))"
  }
  template IN SRV only.made.test {
    match ^none$
  }
  forward . 127.0.0.1:${upstream}
}
links.test:${dns} {
  import common
  template IN ANY links.test {
    match "^(?P<target>[a-z0-9-]+)[.]to[.](?P<zone>[a-z]+)[.]"
    answer "{{ .Name }} 30 IN CNAME {{ .Group.target }}.{{ .Group.zone }}.test"
    fallthrough
  }
  template IN ANY links.test {
    match "^(?P<n>one|two)[.]"
    answer "{{ .Name }} 30 IN CNAME {{ if eq .Group.n \\"one\\" }}two{{ else }}one{{ end }}.links.test"
  }
}
mine.test:${dns} {
  import common
  template IN TXT mine.test {
    var low client_ip() == '127.0.0.1'
    answer "{{ .Name }} 0 IN TXT {{ .Remote }} {{ .Var.low }} {{ .Message.Id }}"
  }
}
else.test:${dns} {
  import common
  cache
  forward . 127.0.0.1:${upstream}
}`;

/** Without their TTLs, which may have been counted down. */
const withoutTtls = (lines: readonly string[]) => lines.map((line) => line.replace(/ \d+ /, ' '));

const answersOf = (reply: Reply) =>
  reply.decoded.answers.map((record) => {
    const { name, ttl, type, data } = record as {
      name: string;
      ttl: number;
      type: string;
      data: unknown;
    };
    return `${name} ${ttl} ${type} ${Array.isArray(data) ? data.join(' ') : data}`;
  });

onEachBackend('templates', { corefile: COREFILE }, async (t, stage) => {
  await t.test('a made answer is authoritative and cached', async () => {
    for (let round = 0; round < 2; round++) {
      const reply = await stage.ask({ name: 'IP-2-7.made.test' });
      assert.deepEqual(
        answersOf(reply).map((line) => line.toLowerCase()),
        ['ip-2-7.made.test 60 a 192.0.2.7'],
      );
      assert(reply.hasFlag('AA'));
    }
    const scrape = await stage.daemon.scrape(stage.daemon.ports.prometheus);
    const labels = { zone: 'made.test.', class: 'IN', type: 'A' };
    assert.equal(scrape.sum('coredns_template_matches_total', labels), 1);
    assert.equal(stage.asked('ip-2-7.made.test').length, 0);
  });

  await t.test('what does not fit goes on', async () => {
    const name = 'other.made.test';
    stage.script(name, (query) => addresses(query, '192.0.2.50'));
    assert.equal((await stage.ask({ name })).decoded.answers.length, 1);
    await stage.assertAsked(name, 1);
  });

  await t.test('a denial, with its SOA', async () => {
    const reply = await stage.askTcp({ name: 'a.gone.made.test', type: 'AAAA' });
    assert.equal(reply.rcode, 'NXDOMAIN');
    assert.equal(reply.decoded.authorities[0]!.type, 'SOA');
  });

  await t.test('an extended error, for clients with EDNS', async () => {
    const optionsOf = (reply: Reply) => {
      const opt = reply.decoded.additionals.find(({ type }) => type === 'OPT');
      const options = (opt as { options?: { code: number; data: Buffer }[] } | undefined)?.options;
      return options?.map(({ code, data }) => [code, data.toString('latin1')]);
    };
    const fresh = await stage.ask({ name: 'ede.gone.made.test', edns: {} });
    assert.deepEqual(optionsOf(fresh), [[15, '\0\x0fgone for good']]);
    assert.equal(fresh.decoded.authorities.length, 1);
    const plain = await stage.ask({ name: 'plain.gone.made.test' });
    assert.equal(optionsOf(plain), undefined);
  });

  await t.test('no match and no fallthrough is SERVFAIL', async () => {
    assert.equal((await stage.ask({ name: 'a.only.made.test', type: 'SRV' })).rcode, 'SERVFAIL');
  });

  await t.test('failures are logged and counted', async () => {
    for (const type of ['TXT', 'MX'] as const) {
      assert.equal((await stage.ask({ name: 'x.broken.made.test', type })).rcode, 'SERVFAIL');
    }
    await until('the lines of both', () =>
      [
        'x.broken.made.test. TXT: template: answer:1:19: executing "answer" at <index .Match 5>: error calling index: index out of range: 5',
        'x.broken.made.test. MX: dns: expected an integer of 16 bits: "nowhere" at line: 1:24',
      ].every((text) => stage.daemon.log.some((line) => line.includes(text))),
    );
    const scrape = await stage.daemon.scrape(stage.daemon.ports.prometheus);
    const zone = 'broken.made.test.';
    const failed = { zone, section: 'answer', template: '{{.Name}} TXT {{index .Match 5}}' };
    assert.equal(scrape.sum('coredns_template_template_failures_total', failed), 1);
    assert.equal(scrape.sum('coredns_template_rr_failures_total', { zone, type: 'MX' }), 1);
  });

  await t.test('a run beyond its bound is SERVFAIL, and counted', async () => {
    for (const [zone, language] of [
      ['long', 'template'],
      ['slow', 'expression'],
    ] as const) {
      const name = `x.${zone}.made.test`;
      assert.equal((await stage.ask({ name, type: 'SRV' })).rcode, 'SERVFAIL', zone);
      const scrape = await stage.daemon.scrape(stage.daemon.ports.prometheus);
      assert.equal(scrape.sum('zerohop_template_bounds_exceeded_total', { language }), 1, zone);
    }
  });

  await t.test('a CNAME leads into other blocks, where it is cached', async () => {
    stage.script('far.else.test', (query) => addresses(query, ['192.0.2.80', '192.0.2.81']));
    for (let round = 0; round < 2; round++) {
      assert.deepEqual(
        withoutTtls(answersOf(await stage.ask({ name: 'far.to.else.links.test' }))),
        [
          'far.to.else.links.test CNAME far.else.test',
          'far.else.test A 192.0.2.80',
          'far.else.test A 192.0.2.81',
        ],
      );
    }
    await stage.assertAsked('far.else.test', 1);
    const made = answersOf(await stage.ask({ name: 'ip-2-9.to.made.links.test' }));
    assert.deepEqual(made, [
      'ip-2-9.to.made.links.test 30 CNAME ip-2-9.made.test',
      'ip-2-9.made.test 60 A 192.0.2.9',
    ]);
    const asMx = await stage.ask({ name: 'far.to.else.links.test', type: 'MX' });
    assert.equal(asMx.decoded.answers.length, 1);
  });

  await t.test('CNAMEs that lead to one another end', async () => {
    const reply = await stage.askTcp({ name: 'one.links.test' });
    assert.equal(reply.rcode, 'NOERROR');
    assert.equal(reply.decoded.answers.length, 17);
    const scrape = await stage.daemon.scrape(stage.daemon.ports.prometheus);
    assert.equal(scrape.sum('zerohop_inner_questions_refused_total'), 1);
  });

  await t.test('what a template says of the client is the client’s own', async () => {
    const ids = [11, 12, 13, 14];
    const replies = await Promise.all(
      ids.map((id) => stage.ask({ name: 'me.mine.test', type: 'TXT', id })),
    );
    assert.deepEqual(
      replies.map((reply) => answersOf(reply)[0]).sort(),
      ids.map((id) => `me.mine.test 0 TXT 127.0.0.1 true ${id}`),
    );
  });
});
