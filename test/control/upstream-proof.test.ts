/** What counts as proof that an upstream answers through us, and what does not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SelfAnswer } from '../../src/control/self-query.ts';
import { doubt } from '../../src/control/upstream-proof.ts';
import { RCODE } from '../../src/wire/registry.ts';

const ADDRESS = { host: '169.254.20.10', port: 53 };
const FAILED: SelfAnswer = { code: 'failed', reason: 'no answer within 6 s' };

function answered(rcode: number): SelfAnswer {
  return { code: 'answered', rcode, addresses: [] };
}

/** Asks with these answers, by zone; `isOurs`: our counter grows. */
async function tryProof(answers: Readonly<Record<string, SelfAnswer>>, isOurs = true) {
  const names: string[] = [];
  let count = 0;
  const reason = await doubt(
    { address: ADDRESS, label: 'dns://169.254.20.10:53', zones: Object.keys(answers) },
    {
      ask: async (_address, { name }) => {
        names.push(name);
        if (isOurs) count += 1;
        const zone = name.replace(/^zerohop-[0-9a-f]{12}\./, '');
        return answers[zone === 'invalid.' ? '.' : zone] ?? answered(RCODE.REFUSED);
      },
      answeredAt: () => count,
    },
  );
  return { reason, names };
}

for (const rcode of [RCODE.NOERROR, RCODE.NXDOMAIN]) {
  test(`rcode ${rcode} of one zone is proof, whatever the others say`, async () => {
    const { reason } = await tryProof({ 'cluster.local.': answered(rcode), '.': FAILED });
    assert.equal(reason, undefined);
  });
}

test('names are unknown to any cache, and below the root below invalid.', async () => {
  const one = await tryProof({ '.': answered(0), 'cluster.local.': answered(0) });
  const other = await tryProof({ '.': answered(0), 'cluster.local.': answered(0) });
  assert.match(one.names[0]!, /^zerohop-\w+\.invalid\.$/);
  assert.match(one.names[1]!, /^zerohop-\w+\.cluster\.local\.$/);
  assert.notDeepEqual(one.names, other.names);
});

test('failures of upstreams are none, and say which', async () => {
  const { reason } = await tryProof({ 'cluster.local.': answered(RCODE.SERVFAIL), '.': FAILED });
  assert.equal(reason, 'cluster.local.: SERVFAIL; .: no answer within 6 s');
});

test('an answer that we have not given is none', async () => {
  const { reason } = await tryProof({ '.': answered(RCODE.NXDOMAIN) }, false);
  assert.equal(reason, 'somebody else answers at 169.254.20.10');
});

test('without upstreams any answer of ours is enough', async () => {
  assert.equal((await tryProof({})).reason, undefined);
});

test('of many zones a few are asked', async () => {
  const zones = Array.from({ length: 50 }, (_, number) => [`z${number}.test.`, answered(0)]);
  assert.equal((await tryProof(Object.fromEntries(zones))).names.length, 8);
});
