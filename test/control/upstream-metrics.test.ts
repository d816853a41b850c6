/** The series of upstreams: one set each, and those of upstreams long gone give way. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { observeUpstreams, UPSTREAMS_MAX } from '../../src/control/upstream-metrics.ts';
import { createFamilies, type Families } from '../../src/metrics/families.ts';

/** The values of the label `to` that a family shows. */
function upstreamsOf(family: Families[keyof Families]): unknown[] {
  return family.get().values.map(({ sharedLabels }) => sharedLabels?.['to']);
}

test('each upstream is counted under its own address', () => {
  const families = createFamilies();
  const rcodes: number[] = [];
  const observer = observeUpstreams(families, (rcode) => rcodes.push(rcode));
  for (const to of ['192.0.2.1:53', '192.0.2.2:53', '192.0.2.1:53']) {
    observer.requestDone(to, 3, 0.01);
    observer.connectionReused(to, 'tcp');
    observer.segmentWritten(to, 4, 100);
  }
  assert.deepEqual(rcodes, [3, 3, 3]);
  const proxy = ['forward', '192.0.2.1:53'] as const;
  assert.equal(families.proxyConnCacheHits.cell(...proxy, 'tcp').value, 2);
  assert.equal(families.upstreamQueriesWritten.cell('192.0.2.1:53').value, 8);
  const { counts } = families.proxyRequestDuration.cell(...proxy, 'NXDOMAIN');
  assert.equal(
    counts.reduce((sum, count) => sum + count),
    2,
  );
});

test(`beyond ${UPSTREAMS_MAX} the one that was not heard of for longest goes from every family`, () => {
  const families = createFamilies();
  const observer = observeUpstreams(families, () => {});
  const address = (index: number) => `192.0.${index >> 8}.${index & 255}:53`;
  for (let index = 0; index < UPSTREAMS_MAX; index++) {
    observer.requestDone(address(index), 0, 0.01);
    observer.reasked(address(index), 'late');
    observer.queryLimitLearnt(address(index), 128);
  }
  // Heard of again, so the next one is the oldest.
  observer.overloaded(address(0));
  observer.requestDone(address(UPSTREAMS_MAX), 0, 0.01);
  for (const family of [families.proxyRequestDuration, families.upstreamSegmentsRead]) {
    const shown = new Set(upstreamsOf(family));
    assert.equal(shown.size, UPSTREAMS_MAX);
    assert.deepEqual(
      [0, 1, UPSTREAMS_MAX].map((index) => shown.has(address(index))),
      [true, false, true],
    );
  }
  for (const family of [families.upstreamReasks, families.upstreamQueryLimit]) {
    assert.equal(upstreamsOf(family).includes(address(1)), false);
    assert.equal(upstreamsOf(family).includes(address(2)), true);
  }
});
