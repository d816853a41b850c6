import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Latency } from '../../src/upstream/latency.ts';

test('the estimate settles near the 95th percentile and follows a change', () => {
  const latency = new Latency();
  const feed = (scaleMs: number) => {
    // 1 to 100 times the scale, in a scattered order.
    for (let sample = 0; sample < 4000; sample++)
      latency.add(scaleMs * (((sample * 37) % 100) + 1));
    const { p95Ms, meanMs } = latency;
    assert(p95Ms > 80 * scaleMs && p95Ms < 115 * scaleMs, `${p95Ms} of ${scaleMs}`);
    assert(meanMs > 35 * scaleMs && meanMs < 65 * scaleMs, `${meanMs} of ${scaleMs}`);
  };
  feed(0.02);
  feed(3);
  feed(0.1);
});

test('a query is late after 250 to 500 ms', () => {
  const latency = new Latency();
  assert.equal(latency.hedgeDelayMs(), 250);
  latency.add(1);
  assert.equal(latency.hedgeDelayMs(), 250);
  const slower = new Latency();
  slower.add(150);
  assert.equal(slower.hedgeDelayMs(), 300);
  const slow = new Latency();
  slow.add(2000);
  assert.equal(slow.hedgeDelayMs(), 500);
});
