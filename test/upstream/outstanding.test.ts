import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outstanding } from '../../src/upstream/outstanding.ts';
import { UpstreamQuery } from '../../src/upstream/upstream-query.ts';

function queryWith(id: number): UpstreamQuery {
  const query = new UpstreamQuery({ answered() {}, lost() {} }, new Uint8Array(17), 17);
  query.id = id;
  return query;
}

test('queries are found by id, and the oldest is the one that came first', () => {
  const outstanding = new Outstanding();
  const [first, second, third] = [queryWith(7), queryWith(5), queryWith(0)];
  for (const query of [first, second, third]) outstanding.add(query);
  assert.equal(outstanding.size, 3);
  assert.equal(outstanding.get(5), second);
  assert.ok(outstanding.has(0));
  assert.ok(!outstanding.has(1));
  assert.equal(outstanding.oldest, first);
  outstanding.delete(first);
  outstanding.delete(first);
  assert.equal(outstanding.oldest, second);
  assert.deepEqual(outstanding.clear(), [second, third]);
  assert.equal(outstanding.size, 0);
  assert.equal(outstanding.oldest, undefined);
});
