/**
 * The alert rules and the dashboard ask for series and labels that the daemon has (test/metrics/contract.ts), every alert has a test
 * in which it fires and one in which it does not, and runs in test/clients/monitoring.test.ts.
 */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type FamilyContract, NODE_CACHE_FAMILIES, OWN_FAMILIES } from '../metrics/contract.ts';
import { alerts, panels, ruleTests } from './monitoring.ts';

/** Of kube-state-metrics. */
const CLUSTER_SERIES: readonly FamilyContract[] = [
  'kube_daemonset_status_desired_number_scheduled',
  'kube_daemonset_status_number_ready',
].map((name) => {
  const labels = ['namespace', 'daemonset'];
  return { name, type: 'gauge', labels, buckets: [], liveliness: 'counts' };
});

const FAMILIES = new Map(
  [...NODE_CACHE_FAMILIES, ...OWN_FAMILIES, ...CLUSTER_SERIES].map((family) => [
    family.name,
    family,
  ]),
);

/** Put on by whoever scrapes. */
const TARGET_LABELS: readonly string[] = ['instance', 'job'];

/** What of a query the daemon does not have. */
function unknownParts(query: string): string[] {
  const names = query.match(/\b(?:coredns|zerohop|process|promhttp|kube)_\w+/g) ?? [];
  const families = names.map((name) => {
    const base = name.replace(/_(bucket|sum|count)$/, '');
    const family = FAMILIES.get(name) ?? FAMILIES.get(base);
    return family && (family.name === name || family.type === 'histogram') ? family : name;
  });
  const unknown = families.filter((family) => typeof family === 'string');
  const known = families.filter((family) => typeof family !== 'string');
  const labels = new Set([
    ...TARGET_LABELS,
    ...known.flatMap((family) => family.labels),
    ...(known.some(({ type }) => type === 'histogram') ? ['le'] : []),
  ]);
  const grouped = [...query.matchAll(/\b(?:by|on) \(([^)]*)\)/g)].flatMap(([, list]) =>
    list!.split(/,\s*/),
  );
  const selected = [...query.matchAll(/[{,]\s*(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label]) => label!);
  return [
    ...(names.length === 0 ? ['no series'] : []),
    ...unknown,
    ...[...grouped, ...selected].filter((label) => !labels.has(label)),
  ];
}

suite('series and labels', () => {
  test('of alerts', () => {
    for (const { alert, expr } of alerts()) assert.deepEqual(unknownParts(expr), [], alert);
  });

  test('of the dashboard', () => {
    for (const { title, targets } of panels()) {
      for (const { expr, legendFormat } of targets) {
        assert.deepEqual(unknownParts(expr), [], title);
        const shown = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label!);
        const by = /\bby \(([^)]*)\)/.exec(expr)?.[1]?.split(', ') ?? TARGET_LABELS;
        assert.deepEqual(
          shown.filter((label) => !by.includes(label)),
          [],
          title,
        );
      }
    }
  });

  test('that the daemon has not are found', () => {
    assert.deepEqual(unknownParts('rate(coredns_cache_hitz_total[5m])'), [
      'coredns_cache_hitz_total',
    ]);
    assert.deepEqual(unknownParts('sum by (zone) (coredns_cache_hits_total{kind="a"})'), [
      'zone',
      'kind',
    ]);
    assert.deepEqual(unknownParts('coredns_cache_hits_total_bucket'), [
      'coredns_cache_hits_total_bucket',
    ]);
  });
});

test('every alert is tested, firing and not firing', () => {
  const tests = ruleTests();
  for (const { alert } of alerts()) {
    const outcomes = tests
      .filter(({ name }) => name.startsWith(`${alert} `))
      .map(({ promql_expr_test: [only] }) => only!.exp_samples.length > 0);
    assert.deepEqual([...new Set(outcomes)].sort(), [false, true], alert);
  }
});

test('the dashboard names alerts that there are', () => {
  const names = alerts().map(({ alert }) => alert);
  const named = JSON.stringify(panels()).match(/Zerohop[A-Z]\w+/g)!;
  assert.deepEqual(
    named.filter((name) => !names.includes(name)),
    [],
  );
});

test('each series of ours is in a panel', () => {
  const shown = new Set(
    JSON.stringify(panels())
      .match(/\bzerohop_\w+/g)!
      .map((name) => name.replace(/_bucket$/, '')),
  );
  assert.deepEqual(
    OWN_FAMILIES.map(({ name }) => name).filter((name) => !shown.has(name)),
    [],
  );
});

test('each panel has a place of its own', () => {
  const places = panels().map((panel) => JSON.stringify(Reflect.get(panel, 'gridPos')));
  assert.equal(new Set(places).size, places.length);
});
