/** The query log: which rule, which class, and what stands in a line. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Labels } from '../../src/directives/labels.ts';
import {
  COMBINED_LOG_FORMAT,
  COMMON_LOG_FORMAT,
  type LogClass,
  type LogRule,
} from '../../src/directives/log.ts';
import { QueryLog } from '../../src/directives/query-log.ts';
import type { ReplyReport } from '../../src/directives/resolution.ts';
import { FLAG } from '../support/messages.ts';
import { A_RECORD, capturedLog, OPT_RECORD, reportOf, SOA_RECORD } from './reply-report.ts';

function linesOf(rules: Partial<LogRule>[], ...reports: ReplyReport[]): string[] {
  const { lines, log } = capturedLog();
  const queryLog = new QueryLog(
    rules.map((rule) => ({ zone: '.', format: '{name}', classes: ['all'], ...rule })),
    new Labels(['example.org.']),
    log,
  );
  for (const report of reports) queryLog.replied(report);
  return lines.map((line) => line.replace('[INFO] ', ''));
}

const lineOf = (format: string, report = reportOf()) => linesOf([{ format }], report)[0];

describe('formats', () => {
  test('common', () => {
    const query = { id: 29008, edns: { size: 4096 } };
    const reply = { flags: FLAG.RD | FLAG.RA | FLAG.AD, answers: [A_RECORD] };
    const report = reportOf(query, reply, {
      durationMs: 37.990251,
      peer: () => ({ host: '::1', port: 50759 }),
    });
    assert.equal(
      lineOf(COMMON_LOG_FORMAT, report),
      '[::1]:50759 - 29008 "A IN www.example.org. udp 44 false 4096" NOERROR qr,rd,ra,ad 43 0.037990251s',
    );
  });

  test('combined adds the opcode', () => {
    assert.equal(
      lineOf(COMBINED_LOG_FORMAT),
      '192.0.2.7:4242 - 1234 "A IN www.example.org. udp 33 false 512" NOERROR qr,rd,ra 12 0.000123456s "0"',
    );
  });

  const cases: [string, string, ReplyReport?][] = [
    ['{local}', '192.0.2.53'],
    [
      '{local}',
      '[2001:db8::53]',
      reportOf({}, {}, { local: () => ({ host: '2001:db8::53', port: 53 }) }),
    ],
    ['{name}', 'www.example.org.', reportOf({ name: 'WWW.Example.ORG' })],
    ['{name}', '.', reportOf({ name: '' })],
    ['{name}', 'a\\.b\\032\\010.example.org.', reportOf({ name: ['a.b \n', 'example', 'org'] })],
    ['{type} {class}', 'TYPE65280 CLASS32', reportOf({ type: 65280, class: 32 })],
    ['{type} {class}', 'AAAA CH', reportOf({ type: 'AAAA', class: 'CH' })],
    ['{proto} {>bufsize}', 'tcp 65535', reportOf({}, {}, { protocol: 'tcp' })],
    ['{>bufsize} {>do}', '512 true', reportOf({ edns: { size: 100, dnssecOk: true } })],
    ['{rcode}', 'SERVFAIL', reportOf({}, { rcode: 2 })],
    ['{rcode}', '12', reportOf({}, { rcode: 12 })],
    ['{>opcode}', '4', reportOf({ flags: 4 << 11 })],
    ['[{>rflags}]', '[qr,aa,tc,rd,ra,z,ad,cd]', reportOf({}, { flags: 0x07f0 })],
    ['{duration}', '0s', reportOf({}, {}, { durationMs: 0 })],
    ['{duration}', '0.00000025s', reportOf({}, {}, { durationMs: 0.00025 })],
    ['{duration}', '3s', reportOf({}, {}, { durationMs: 3000 })],
    ['{/forward/upstream} {/log/class}', '- success'],
    ['{when} {>ID} {NAME} {>hdr} {}', '{when} {>ID} {NAME} {>hdr} {}'],
    [
      '{ {name} } {{name}} {na{name}me} }{',
      '{ www.example.org. } {www.example.org.} {nawww.example.org.me} }{',
    ],
    ['{constructor}{toString}', '{constructor}{toString}'],
  ];
  for (const [format, expected, report] of cases) {
    test(`'${format}' -> '${expected}'`, () => assert.equal(lineOf(format, report), expected));
  }

  test('an extended rcode takes its upper bits from OPT', () => {
    const report = reportOf({}, { rcode: 7, additionals: [OPT_RECORD] });
    assert.equal(lineOf('{rcode}', report), 'BADCOOKIE');
  });

  test('text without braces stays as it is', () => {
    fc.assert(
      fc.property(
        fc.string().filter((text) => !/[{}\s]/.test(text)),
        (text) => {
          assert.equal(lineOf(`<${text}>{type}`), `<${text}>A`);
        },
      ),
    );
  });
});

describe('rules', () => {
  const rules: Partial<LogRule>[] = [
    { zone: 'a.example.org.', format: 'first', classes: ['error'] },
    { zone: 'example.org.', format: 'second' },
    { zone: 'www.example.org.', format: 'never' },
  ];

  test('the first whose zone holds the name decides', () => {
    const names = [
      'a.example.org',
      'b.A.example.org',
      'aa.example.org',
      'EXAMPLE.org',
      'www.example.org',
      'example.net',
    ];
    const failed = names.map((name) => reportOf({ name }, { rcode: 2 }));
    assert.deepEqual(linesOf(rules, ...failed), ['first', 'first', 'second', 'second', 'second']);
    assert.deepEqual(linesOf(rules, reportOf({ name: 'a.example.org' })), []);
  });

  test('no rule, no line', () => assert.deepEqual(linesOf([], reportOf()), []));

  test('malformed queries and unknown EDNS versions are not logged', () => {
    const short = reportOf().query.subarray(0, 20);
    assert.deepEqual(
      linesOf(
        [{}],
        reportOf({}, { rcode: 1 }, { query: short }),
        reportOf({ flags: 5 << 11 }, { rcode: 4 }),
        reportOf({ edns: { version: 1 } }, { rcode: 0 }),
      ),
      [],
    );
  });
});

describe('classes', () => {
  const answers = [A_RECORD];
  const authorities = [SOA_RECORD];
  const cases: [string, LogClass, ReplyReport][] = [
    ['an answer', 'success', reportOf({}, { answers })],
    ['an answer with SOA', 'success', reportOf({}, { answers, authorities })],
    ['an empty reply', 'success', reportOf({}, {})],
    ['SOA alone', 'denial', reportOf({}, { authorities })],
    ['NXDOMAIN', 'denial', reportOf({}, { rcode: 3 })],
    ['NXDOMAIN with SOA', 'denial', reportOf({}, { rcode: 3, authorities })],
    ['NXDOMAIN behind a CNAME', 'error', reportOf({}, { rcode: 3, answers, authorities })],
    ['SERVFAIL', 'error', reportOf({}, { rcode: 2 })],
    ['REFUSED with SOA', 'error', reportOf({}, { rcode: 5, authorities })],
    ['a transfer', 'error', reportOf({ type: 'AXFR' }, { answers })],
    ['NOTIFY', 'error', reportOf({ flags: 4 << 11 }, { answers })],
  ];
  for (const [what, expected, report] of cases) {
    test(`${what} is ${expected}`, () => {
      const classes = ['success', 'denial', 'error'] as const;
      const matching = classes.filter((name) => linesOf([{ classes: [name] }], report).length > 0);
      assert.deepEqual(matching, [expected]);
      assert.equal(linesOf([{ classes: ['all'] }], report).length, 1);
      assert.equal(linesOf([{ classes }], report).length, 1);
    });
  }
});

describe('labels of metadata', () => {
  const provenance = { upstream: '192.0.2.1:53', traceId: 'abc' };
  const format = '{/forward/upstream} {/trace/traceid} {/log/class} {/log/type} {/no/such}';

  test('have values for names in its zones', () => {
    const report = reportOf({}, { answers: [A_RECORD] }, { provenance });
    assert.equal(lineOf(format, report), '192.0.2.1:53 abc success NOERROR -');
    const elsewhere = reportOf({ name: 'www.example.net' }, {}, { provenance });
    assert.equal(lineOf(format, elsewhere), '- - - - -');
  });

  test('the type of a response', () => {
    const typeOf = (query: object, reply: object) => lineOf('{/log/type}', reportOf(query, reply));
    assert.equal(typeOf({}, { authorities: [SOA_RECORD] }), 'NODATA');
    assert.equal(typeOf({}, { rcode: 3, authorities: [SOA_RECORD] }), 'NXDOMAIN');
    assert.equal(typeOf({}, { rcode: 3 }), 'OTHERERROR');
    assert.equal(typeOf({}, { rcode: 2 }), 'SERVERERROR');
    assert.equal(typeOf({}, {}), 'NOERROR');
    assert.equal(typeOf({ type: 'AXFR' }, {}), 'META');
    assert.equal(typeOf({ flags: 4 << 11 }, {}), 'UPDATE');
  });
});
