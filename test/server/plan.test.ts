/**
 * The choice of a zone: the longest that the name is in, DS at the parent, classes.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CacheKey, setKeyName } from '../../src/cache/key.ts';
import { chooseZone, takesClass } from '../../src/server/plan.ts';
import { isBelow } from '../../src/wire/name.ts';
import { QueryFields, readQuery } from '../../src/wire/query.ts';
import { encodeName, encodeQuery } from '../support/messages.ts';
import { zonePlan } from './answerer-fixture.ts';

/** The text of the zone chosen among `zones`, or undefined. */
function choose(zones: readonly string[], name: string, type = 1): string | undefined {
  const message = encodeQuery({ name, type });
  const octets = new Uint8Array((message.length + 3) & ~3);
  octets.set(message);
  const query = new QueryFields();
  readQuery(octets, 0, message.length, query);
  const key = new CacheKey();
  setKeyName(key, new Int32Array(octets.buffer), 0, query.qnameSize);
  const plans = zones
    .map((text) => zonePlan(text))
    .sort((left, right) => right.labelCount - left.labelCount);
  const chosen = chooseZone({ zones: plans, droppedRow: 0 }, query, key);
  return zones.find((text) => chosen && encodeName(text).equals(Buffer.from(chosen.zone)));
}

const DS = 43;

test('takes the longest zone that the name is in, without regard to case', () => {
  const zones = ['.', 'local', 'cluster.local', 'svc.cluster.local'];
  assert.equal(choose(zones, 'a.SVC.cluster.LOCAL'), 'svc.cluster.local');
  assert.equal(choose(zones, 'svc.cluster.local'), 'svc.cluster.local');
  assert.equal(choose(zones, 'xsvc.cluster.local'), 'cluster.local');
  assert.equal(choose(zones, 'mylocal'), '.');
  assert.equal(choose(zones, '.'), '.');
  assert.equal(choose(['local'], 'org'), undefined);
  assert.equal(choose(['cluster.local'], 'local'), undefined);
  assert.equal(choose([], 'local'), undefined);
});

test('a DS question about a zone’s name is its parent’s, if there is one', () => {
  const zones = ['local', 'cluster.local', 'svc.cluster.local'];
  assert.equal(choose(zones, 'svc.cluster.local', DS), 'cluster.local');
  assert.equal(choose(zones, 'a.svc.cluster.local', DS), 'svc.cluster.local');
  assert.equal(choose(zones, 'local', DS), 'local');
  assert.equal(choose([...zones, '.'], 'local', DS), '.');
  assert.equal(choose(['.'], '.', DS), '.');
});

test('equals the plain definition for any zones and names', () => {
  const name = fc
    .array(fc.constantFrom('a', 'b', 'aa'), { maxLength: 4 })
    .map((labels) => labels.join('.') || '.');
  fc.assert(
    fc.property(
      fc.uniqueArray(name, { maxLength: 8 }),
      name,
      fc.constantFrom(1, DS),
      (zones, qname, type) => {
        const octets = (text: string) => new Uint8Array(encodeName(text));
        const within = zones
          .filter((zone) => isBelow(octets(qname), octets(zone)))
          .sort((left, right) => octets(right).length - octets(left).length);
        const parents = within.filter((zone) => zone !== qname);
        const expected = type === DS ? (parents[0] ?? within[0]) : within[0];
        assert.equal(choose(zones, qname, type), expected);
      },
    ),
    { numRuns: 300 },
  );
});

test('takes IN, and any class where the zone forwards', () => {
  const zone = zonePlan('local');
  assert.deepEqual(
    [1, 3, 255].map((qclass) => takesClass(zone, qclass)),
    [true, false, false],
  );
  const forwarding = zonePlan('local', { takesAnyClass: true });
  assert.ok([1, 3, 255].every((qclass) => takesClass(forwarding, qclass)));
});
