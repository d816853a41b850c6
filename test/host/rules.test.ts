import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byFamily, rulesFor } from '../../src/host/rules.ts';

test('an address has node-cache’s twelve rules', () => {
  const rules = rulesFor('169.254.20.10', { dnsPort: 53, healthPort: 8080 });
  const texts = rules.map(
    ({ table, chain, protocol, direction, port, target }) =>
      `${table} ${chain} ${protocol} ${direction} ${port} ${target}`,
  );
  assert.deepEqual(texts, [
    'raw PREROUTING tcp d 53 NOTRACK',
    'raw PREROUTING udp d 53 NOTRACK',
    'filter INPUT tcp d 53 ACCEPT',
    'filter INPUT udp d 53 ACCEPT',
    'raw OUTPUT tcp s 53 NOTRACK',
    'raw OUTPUT udp s 53 NOTRACK',
    'filter OUTPUT tcp s 53 ACCEPT',
    'filter OUTPUT udp s 53 ACCEPT',
    'raw OUTPUT tcp d 53 NOTRACK',
    'raw OUTPUT udp d 53 NOTRACK',
    'raw OUTPUT tcp d 8080 NOTRACK',
    'raw OUTPUT tcp s 8080 NOTRACK',
  ]);
});

test('four of them bring queries here', () => {
  const rules = rulesFor('2001:db8::10', { dnsPort: 53, healthPort: 8080 });
  const toward = rules.filter(({ isTowardUs }) => isTowardUs);
  assert.deepEqual(
    toward.map(({ table, direction, port }) => [table, direction, port]),
    new Array(4).fill(['raw', 'd', 53]),
  );
});

test('addresses are sorted by family', () => {
  assert.deepEqual(byFamily(['2001:db8::1', '192.0.2.1', '192.0.2.2']), [
    [4, ['192.0.2.1', '192.0.2.2']],
    [6, ['2001:db8::1']],
  ]);
  assert.deepEqual(byFamily(['2001:db8::1']), [[6, ['2001:db8::1']]]);
});
