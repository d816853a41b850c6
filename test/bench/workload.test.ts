/**
 * Every workload can be asked, is drawn alike each time, and asks in each round what was not asked before where it should.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseLoadOptions } from '../../bench/load/options.ts';
import { encodeQuestions, formatQuestions, parseQuestions } from '../../bench/load/questions.ts';
import { parseWitness } from '../../bench/witness.ts';
import {
  FULL_SCALE,
  type Load,
  SMOKE_SCALE,
  type Workload,
} from '../../bench/workload/workload.ts';
import { WORKLOAD_NAMES, workloads } from '../../bench/workload/workloads.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const SERVER = '--server=127.0.0.1:53';

function workload(name: string): Workload {
  const found = workloads(SMOKE_SCALE).find((candidate) => candidate.name === name);
  assert(found, name);
  return found;
}

function questionsOf({ loads }: Workload, round: number) {
  return loads(round).flatMap(({ questions = [] }: Load) => questions);
}

test('names are unique, and every load has flags and questions that its generator takes', () => {
  assert.equal(new Set(WORKLOAD_NAMES).size, WORKLOAD_NAMES.length);
  for (const { name, loads } of workloads(SMOKE_SCALE)) {
    for (const { flags, prime = [], questions = [] } of loads(0)) {
      parseLoadOptions([SERVER, ...flags]);
      const asked = [...prime, ...questions];
      if (asked.length === 0) continue;
      const set = encodeQuestions(asked, { edns: false, exactAddress: true });
      assert(!(set instanceof Error), `${name}: ${set}`);
    }
  }
});

test('what dnsperf prints is read; other text is an error', () => {
  const text = `Statistics:

  Queries sent:         1042
  Queries completed:    1040 (99.81%)
  Queries lost:         2 (0.19%)

  Response codes:       NOERROR 1040 (100.00%)
  Run time (s):         1.000084
  Queries per second:   1039.912647
`;
  const { answered, lost, queriesPerSecond } = parseWitness(text);
  assert.deepEqual([answered, lost, queriesPerSecond], [1040, 2, 1039.912647]);
  assert.throws(() => parseWitness('nothing'), /does not say "Queries completed"/);
});

test('the same round asks the same, another round other fresh names', () => {
  for (const name of ['ordered', 'same-name-burst', 'hits-over-misses', 'spike']) {
    const first = questionsOf(workload(name), 0);
    assert.deepEqual(questionsOf(workload(name), 0), first);
    const before = new Set(first.filter(({ group }) => group !== 'hit').map((each) => each.name));
    const after = questionsOf(workload(name), 1).filter(({ group }) => group !== 'hit');
    assert(after.length > 0 && after.every((each) => !before.has(each.name)), name);
  }
});

test('shares: one in twenty is a miss, one in a hundred slow, a burst is one name', () => {
  const share = (name: string, group: string) => {
    const found = workloads(FULL_SCALE).find((candidate) => candidate.name === name)!;
    const questions = questionsOf(found, 0);
    return questions.filter((question) => question.group === group).length / questions.length;
  };
  assert(Math.abs(share('hits-over-misses', 'miss') - 0.05) < 0.005);
  assert(Math.abs(share('ordered', 'slow') - 0.01) < 0.005);
  assert.equal(
    new Set(questionsOf(workload('same-name-burst'), 0).map(({ name }) => name)).size,
    1,
  );
});

test('a search path: three guesses of two types each, then the name', () => {
  const questions = questionsOf(workload('search-path'), 0).slice(0, 8);
  assert.deepEqual(
    questions.map(({ name, type, outcome }) => `${name} ${type} ${outcome}`),
    [
      'host0.example.org.default.svc.cluster.local A NXDOMAIN',
      'host0.example.org.default.svc.cluster.local AAAA NXDOMAIN',
      'host0.example.org.svc.cluster.local A NXDOMAIN',
      'host0.example.org.svc.cluster.local AAAA NXDOMAIN',
      'host0.example.org.cluster.local A NXDOMAIN',
      'host0.example.org.cluster.local AAAA NXDOMAIN',
      'host0.example.org A NOERROR',
      'host0.example.org AAAA NODATA',
    ],
  );
});

test('questions survive the way through a file, group included', (context) => {
  const questions = [
    { name: 'a.example', type: 'A', outcome: 'NOERROR', group: 'hit' },
    { name: 'b.example', type: 'AAAA', outcome: 'NODATA' },
  ];
  assert.deepEqual(parseQuestions(formatQuestions(questions)), questions);
  const path = join(temporaryDirectory(context), 'prime');
  writeFileSync(path, formatQuestions(questions));
  const options = parseLoadOptions([SERVER, `--prime-file=${path}`, '--names=3']);
  assert.deepEqual(options.primeQuestions, questions);
  assert.equal(options.questions.length, 3);
});
