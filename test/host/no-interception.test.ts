import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseInterception } from '../../src/host/choice.ts';

test('without interception nothing is done and nothing is said to be there', async () => {
  const interception = await chooseInterception({
    backend: 'none',
    addresses: ['169.254.20.10', '2001:db8::10'],
    standByAddresses: ['169.254.20.10'],
    dnsPort: 53,
    healthPort: 8080,
  });
  assert.equal(interception.kind, 'none');
  assert.deepEqual(await interception.install(), []);
  assert.equal(await interception.renew(), undefined);
  assert.deepEqual(await interception.ensure(), { restored: 0, removed: 0, failures: [] });
  const facts = await interception.describe();
  assert.equal(facts.hasLease, false);
  assert.deepEqual(
    facts.addresses.map(({ rulesExpected, rulesPresent }) => [rulesExpected, rulesPresent]),
    [
      [0, 0],
      [0, 0],
    ],
  );
});
