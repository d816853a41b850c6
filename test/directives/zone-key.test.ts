/** Keys of server blocks: ports, schemes, names and reverse zones. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CorefileError } from '../../src/corefile/ast.ts';
import { readZoneKeys } from '../../src/directives/zone-key.ts';

const AT = { file: 'Corefile', line: 1, column: 1 };

function keys(text: string): string[] {
  return readZoneKeys({ text, at: AT }, 53).map(({ zone, port }) => `${zone}:${port}`);
}

test('a key is a name and perhaps a port', () => {
  const cases: [string, string][] = [
    ['.', '.:53'],
    ['.:1053', '.:1053'],
    ['Cluster.LOCAL', 'cluster.local.:53'],
    ['cluster.local.:53', 'cluster.local.:53'],
    ['dns://example.org', 'example.org.:53'],
    ['dns://.:5353', '.:5353'],
    ['a\\.b.example', 'a\\.b.example.:53'],
    ['\\065b.example', 'ab.example.:53'],
    ['0/25.2.0.192.in-addr.arpa', '0/25.2.0.192.in-addr.arpa.:53'],
    ['*._tcp.example.org', '*._tcp.example.org.:53'],
  ];
  for (const [text, expected] of cases) assert.deepEqual(keys(text), [expected], text);
});

test('a CIDR block is the reverse zones that cover it', () => {
  const cases: [string, string[]][] = [
    ['10.0.0.0/8', ['10.in-addr.arpa.:53']],
    ['10.0.0.0/8:1053', ['10.in-addr.arpa.:1053']],
    ['10.0.0.0/15', ['0.10.in-addr.arpa.:53', '1.10.in-addr.arpa.:53']],
    ['192.168.1.1/23', ['0.168.192.in-addr.arpa.:53', '1.168.192.in-addr.arpa.:53']],
    ['192.0.2.7/32', ['7.2.0.192.in-addr.arpa.:53']],
    ['0.0.0.0/0', ['in-addr.arpa.:53']],
    ['2001:db8::/32', ['8.b.d.0.1.0.0.2.ip6.arpa.:53']],
    ['2001:db8::/31', ['8.b.d.0.1.0.0.2.ip6.arpa.:53', '9.b.d.0.1.0.0.2.ip6.arpa.:53']],
    ['2001:db8::/112', [`${'0.'.repeat(20)}8.b.d.0.1.0.0.2.ip6.arpa.:53`]],
    ['fd00:10:96::/48:1053', ['6.9.0.0.0.1.0.0.0.0.d.f.ip6.arpa.:1053']],
  ];
  for (const [text, expected] of cases) assert.deepEqual(keys(text), expected, text);
  assert.equal(keys('10.1.0.0/17').length, 128);
  assert.equal(keys('10.1.0.0/17').at(-1), '127.1.10.in-addr.arpa.:53');
  assert.equal(keys('2001:db8::/29').length, 8);
});

test('what is no key says what was expected', () => {
  const cases: [string, RegExp][] = [
    ['tls://.', /'tls:\/\/\.': tls:\/\/ is not supported here: expected dns:\/\/ or no scheme/],
    ['https://example.org:443', /https:\/\/ is not supported here/],
    ['grpc://.', /grpc:\/\/ is not supported here/],
    ['quic://.', /quic:\/\/ is not supported here/],
    ['http://.', /unknown scheme/],
    ['.:0', /expected a port from 1 to 65535/],
    ['.:65536', /expected a port from 1 to 65535/],
    ['example.org:', /expected ZONE\[:PORT\] or ADDRESS\/PREFIX\[:PORT\]/],
    ['example.org:dns', /expected ZONE/],
    [':53', /expected ZONE/],
    ['10.0.0.0/33', /expected ZONE/],
    ['::1/64', /expected ZONE/],
    ['2001:db8::/129', /expected ZONE/],
    ['a..b', /expected ZONE/],
    ['x'.repeat(64), /expected ZONE/],
    [`${'a.'.repeat(128)}`, /expected ZONE/],
  ];
  for (const [text, expected] of cases) {
    assert.throws(
      () => keys(text),
      (error) => error instanceof CorefileError && expected.test(error.message),
      text,
    );
  }
});

test('any text is zones with final dots or a CorefileError', () => {
  const part = fc.constantFrom(
    ...['10.', '0', '/', ':', '::', '.', '\\', 'a', '2001:db8', 'dns://', '23', 'é'],
  );
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(part).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, (key) => {
      try {
        for (const zone of readZoneKeys({ text: key, at: AT }, 53)) assert(zone.zone.endsWith('.'));
      } catch (error) {
        assert(error instanceof CorefileError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});
