/** `.Message` and `.Question` as templates see them: what Go makes of the same query with miekg/dns 1.1.72. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { messageValue, questionValue } from '../../src/directives/template-message.ts';
import { parseTemplate } from '../../src/gotemplate/template.ts';
import type { GoStruct } from '../../src/gotemplate/value.ts';
import { questionFrom } from './stage-play.ts';

/** IXFR of www.example.org with a SOA record, compressed, and OPT with five options. */
const QUERY =
  '12340110000100000001000103777777076578616d706c65036f72670000fb0001c010000600010000003c0021026e73c0100561646d696ec010000000010000000200000003000000040000000500002904d0000080000027000a000801020304050607080008000700011800c00002fde900020102000b0000000c00020000';

const RESULTS: readonly (readonly [template: string, ending: string, text: string])[] = [
  [
    '{{ .Message.Id }} {{ .Message.MsgHdr.Id }} {{ .Message.Opcode }} {{ .Message.Rcode }} {{ .Message.Response }} {{ .Message.CheckingDisabled }} {{ .Message.Compress }}',
    'done',
    '4660 4660 0 0 false true false',
  ],
  [
    '{{ len .Message.Question }} {{ len .Message.Answer }} {{ len .Message.Ns }} {{ len .Message.Extra }} {{ .Message.Len }}',
    'done',
    '1 0 1 1 161',
  ],
  [
    '{{ range .Message.Ns }}{{ .Header.Name }} {{ .Header.Ttl }} {{ .Header.Rrtype }} {{ .Header.Class }}|{{ .String }}|{{ . }}{{ end }}',
    'done',
    'example.org. 60 6 1|example.org.\t60\tIN\tSOA\tns.example.org. admin.example.org. 1 2 3 4 5|example.org.\t60\tIN\tSOA\tns.example.org. admin.example.org. 1 2 3 4 5',
  ],
  [
    '{{ (index .Message.Ns 0).Header.String }}|{{ (index .Message.Ns 0).Hdr.Name }}',
    'done',
    'example.org.\t60\tIN\tSOA\t|example.org.',
  ],
  [
    '{{ range .Message.Extra }}{{ .Header.Name }} {{ .Header.Rrtype }} {{ . }}{{ end }}',
    'done',
    '. 41 \n;; OPT PSEUDOSECTION:\n; EDNS: version 0; flags: do; udp: 1232\n; COOKIE: 0102030405060708\n; SUBNET: 192.0.2.0/24/0\n; LOCAL OPT: 65001:0x0102\n; KEEPALIVE: use tcp keep-alive, timeout omitted\n; PADDING: 0000',
  ],
  [
    '{{ with .Message.IsEdns0 }}{{ .UDPSize }} {{ .Do }} {{ .Version }} {{ .ExtendedRcode }} {{ .Z }} {{ .Co }} {{ len .Option }}{{ end }}',
    'done',
    '1232 true 0 0 0 false 5',
  ],
  [
    '{{ range .Message.IsEdns0.Option }}{{ .Option }}={{ .String }};{{ end }}',
    'done',
    '10=0102030405060708;8=192.0.2.0/24/0;65001=65001:0x0102;11=use tcp keep-alive, timeout omitted;12=0000;',
  ],
  [
    '{{ range .Message.IsEdns0.Option }}[{{ . }}]{{ end }}',
    'done',
    '[0102030405060708][192.0.2.0/24/0][65001:0x0102][use tcp keep-alive, timeout omitted][0000]',
  ],
  [
    '{{ .Message.MsgHdr.String }}',
    'done',
    ';; opcode: QUERY, status: NOERROR, id: 4660\n;; flags: rd cd;',
  ],
  [
    '{{ .Message.String }}',
    'done',
    ';; opcode: QUERY, status: NOERROR, id: 4660\n;; flags: rd cd; QUERY: 1, ANSWER: 0, AUTHORITY: 1, ADDITIONAL: 1\n\n;; OPT PSEUDOSECTION:\n; EDNS: version 0; flags: do; udp: 1232\n; COOKIE: 0102030405060708\n; SUBNET: 192.0.2.0/24/0\n; LOCAL OPT: 65001:0x0102\n; KEEPALIVE: use tcp keep-alive, timeout omitted\n; PADDING: 0000\n\n;; QUESTION SECTION:\n;www.example.org.\tIN\t IXFR\n\n;; AUTHORITY SECTION:\nexample.org.\t60\tIN\tSOA\tns.example.org. admin.example.org. 1 2 3 4 5\n',
  ],
  [
    '{{ .Message }}',
    'done',
    ';; opcode: QUERY, status: NOERROR, id: 4660\n;; flags: rd cd; QUERY: 1, ANSWER: 0, AUTHORITY: 1, ADDITIONAL: 1\n\n;; OPT PSEUDOSECTION:\n; EDNS: version 0; flags: do; udp: 1232\n; COOKIE: 0102030405060708\n; SUBNET: 192.0.2.0/24/0\n; LOCAL OPT: 65001:0x0102\n; KEEPALIVE: use tcp keep-alive, timeout omitted\n; PADDING: 0000\n\n;; QUESTION SECTION:\n;www.example.org.\tIN\t IXFR\n\n;; AUTHORITY SECTION:\nexample.org.\t60\tIN\tSOA\tns.example.org. admin.example.org. 1 2 3 4 5\n',
  ],
  [
    '{{ .Message.MsgHdr }}',
    'done',
    ';; opcode: QUERY, status: NOERROR, id: 4660\n;; flags: rd cd;',
  ],
  [
    '{{ .Question }} {{ .Question.String }} {{ (index .Message.Question 0).Name }}',
    'done',
    ';www.example.org.\tIN\t IXFR ;www.example.org.\tIN\t IXFR www.example.org.',
  ],
  ['{{ (index .Message.Question 0).String }}', 'done', ';www.example.org.\tIN\t IXFR'],
  [
    '{{ range .Message.Question }}{{ .Name }} {{ .Qtype }}{{ end }}',
    'done',
    'www.example.org. 251',
  ],
  [
    '{{ .Message.IsEdns0 }}',
    'done',
    '\n;; OPT PSEUDOSECTION:\n; EDNS: version 0; flags: do; udp: 1232\n; COOKIE: 0102030405060708\n; SUBNET: 192.0.2.0/24/0\n; LOCAL OPT: 65001:0x0102\n; KEEPALIVE: use tcp keep-alive, timeout omitted\n; PADDING: 0000',
  ],
  [
    '{{ .Message.Nothing }}',
    'failed',
    'template: answer:1:11: executing "answer" at <.Message.Nothing>: can\'t evaluate field Nothing in type *dns.Msg',
  ],
  [
    '{{ printf "%s" (index .Message.Ns 0) }}',
    'done',
    'example.org.\t60\tIN\tSOA\tns.example.org. admin.example.org. 1 2 3 4 5',
  ],
  [
    '{{ .Message.Ns }}',
    'done',
    '[example.org.\t60\tIN\tSOA\tns.example.org. admin.example.org. 1 2 3 4 5]',
  ],
  ['{{ if .Message.Answer }}yes{{ else }}no{{ end }}', 'done', 'no'],
  ['{{ if .Message.IsTsig }}yes{{ else }}no{{ end }}', 'done', 'no'],
  ['{{ (index .Message.Ns 0).Header }}', 'done', 'example.org.\t60\tIN\tSOA\t'],
];

function dataOf(query: Uint8Array): GoStruct {
  const asker = { ...questionFrom('www.example.org A').asker!, query };
  const question = { ...questionFrom('www.example.org IXFR'), asker };
  const fields = { Message: () => messageValue(question), Question: () => questionValue(question) };
  return { kind: 'struct', type: 'template.templateData', fields, methods: {} };
}

function run(text: string, query: Uint8Array): readonly [ending: string, text: string] {
  const parsed = parseTemplate('answer', text);
  assert(parsed.code === 'parsed', text);
  const done = parsed.template.execute(dataOf(query));
  return [done.code, done.code === 'done' ? done.text : done.reason];
}

test('a query comes to what Go makes of it', () => {
  for (const [template, ending, text] of RESULTS) {
    assert.deepEqual(run(template, Buffer.from(QUERY, 'hex')), [ending, text], template);
  }
});

test('fields of a record’s data are not there', () => {
  const [ending, reason] = run('{{ (index .Message.Ns 0).Serial }}', Buffer.from(QUERY, 'hex'));
  assert.equal(ending, 'failed');
  assert.match(reason, /can't evaluate field Serial in type \*dns.SOA$/);
});

test('without a query the question is one', () => {
  assert.deepEqual(run('{{ len .Message.Question }} {{ len .Message.Ns }}', new Uint8Array(0)), [
    'done',
    '1 0',
  ]);
});

test('any octets are shown as a message', () => {
  const honest = Buffer.from(QUERY, 'hex');
  const changes = fc.array(fc.tuple(fc.nat(honest.length - 1), fc.nat(255)), { maxLength: 6 });
  fc.assert(
    fc.property(changes, fc.nat(honest.length), (changed, size) => {
      const query = Buffer.from(honest);
      for (const [at, octet] of changed) query[at] = octet;
      const shown = run(
        '{{ .Message }}{{ .Message.Extra }}{{ .Message.Len }}',
        query.subarray(0, size),
      );
      assert.equal(shown[0], 'done');
    }),
    { numRuns: 3_000 },
  );
});
