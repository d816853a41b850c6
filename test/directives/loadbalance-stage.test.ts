/** `loadbalance`: orders of records, and where weights come from. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { createLog } from '../../src/base/log.ts';
import { LoadbalanceStage } from '../../src/directives/loadbalance-stage.ts';
import { readWeightFile } from '../../src/directives/weight-file.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';
import { configOf } from './server-block.ts';
import { type Behind, StagePlay } from './stage-play.ts';

const A = (last: number, name = 'a.example.org') => `${name} 5 A 192.0.2.${last}`;
const MX = (last: number) => `a.example.org 5 MX ${last} mx${last}.example.org`;

/** Behind the stage: mixed records, in an order that it must change. */
const BEHIND: Behind = {
  'a.example.org. A': {
    records: [
      A(1),
      MX(1),
      'w.example.org 5 CNAME a.example.org',
      A(2),
      A(3),
      MX(2),
      'authority example.org 5 NS ns.example.org',
    ],
  },
  'one.example.org. A': { records: [A(1, 'one.example.org')] },
  'gone.example.org. A': { rcode: 3, records: [A(1), A(2)] },
  'a.example.org. AXFR': { records: [A(2), A(1), MX(1)] },
  'a.example.org. MX': { records: [A(3), A(2), A(1)] },
};

interface Setting {
  readonly play: StagePlay;
  readonly lines: string[];
}

/** `random` takes the place of chance: what it gives for each limit. */
function set(t: TestContext, corefile: string, random: (limit: number) => number): Setting {
  const lines: string[] = [];
  const log = createLog((line) => lines.push(line));
  const stage = new LoadbalanceStage(configOf(corefile).loadbalance!, log, random);
  t.after(() => stage.close());
  return { play: new StagePlay(stage, BEHIND), lines };
}

const first = () => 0;
const last = (limit: number) => limit - 1;

suite('round_robin', () => {
  test('CNAME first, then the rest, addresses and mail exchangers in an order of their own', async (t) => {
    const { play } = set(t, 'loadbalance', first);
    assert.deepEqual(await play.ask('a.example.org A'), [
      'w.example.org 5 CNAME a.example.org',
      A(2),
      A(3),
      A(1),
      MX(2),
      MX(1),
      'authority example.org 5 NS ns.example.org',
    ]);
    const { play: unchanged } = set(t, 'loadbalance round_robin', last);
    assert.deepEqual((await unchanged.ask('a.example.org A')).slice(1, 4), [A(1), A(2), A(3)]);
  });

  test('every order comes', async (t) => {
    const { play } = set(t, 'loadbalance', (limit) => Math.floor(Math.random() * limit));
    const orders = new Set<string>();
    for (let round = 0; round < 200; round++) {
      orders.add((await play.ask('a.example.org A')).slice(1, 4).join());
    }
    assert.equal(orders.size, 6);
  });

  test('leaves single records, errors and transfers', async (t) => {
    const { play } = set(t, 'loadbalance', () => assert.fail('nothing to draw'));
    assert.deepEqual(await play.ask('one.example.org A'), [A(1, 'one.example.org')]);
    assert.deepEqual(await play.ask('gone.example.org A'), ['NXDOMAIN', A(1), A(2)]);
    assert.deepEqual(await play.ask('a.example.org AXFR'), [A(2), A(1), MX(1)]);
  });
});

test('prefer puts the addresses of a network before the others', async (t) => {
  const { play } = set(t, 'loadbalance {\nprefer 192.0.2.3/32 192.0.2.2/31\n}', last);
  const lines = await play.ask('a.example.org A');
  assert.deepEqual(lines.slice(0, 6), [
    'w.example.org 5 CNAME a.example.org',
    A(3),
    A(2),
    A(1),
    MX(1),
    MX(2),
  ]);
});

suite('weighted', () => {
  const FILE = '# weights\na.example.org\n192.0.2.1 3\n192.0.2.3   2\n';

  async function setWeighted(t: TestContext, random: (limit: number) => number, text = FILE) {
    const path = join(temporaryDirectory(t), 'weights');
    writeFileSync(path, text);
    return { path, ...set(t, `loadbalance weighted ${path} {\nreload 10ms\n}`, random) };
  }

  test('the first address is drawn by its weight', async (t) => {
    for (const [drawn, top] of [1, 1, 1, 2, 3, 3].entries()) {
      const { play } = await setWeighted(t, (limit) => {
        assert.equal(limit, 3 + 1 + 2);
        return drawn;
      });
      assert.equal((await play.ask('a.example.org A'))[1], A(top), `${drawn}`);
    }
  });

  test('other types keep their order', async (t) => {
    const { play } = await setWeighted(t, () => assert.fail('nothing to draw'));
    assert.deepEqual(await play.ask('a.example.org MX'), [A(3), A(2), A(1)]);
  });

  test('a new file counts, a wrong one is named and changes nothing', async (t) => {
    let sum = 0;
    const { play, path, lines } = await setWeighted(t, (limit) => {
      sum = limit;
      return 0;
    });
    const sumIs = async (expected: number) => {
      await play.ask('a.example.org A');
      return sum === expected;
    };
    await until('the weights of the file', () => sumIs(6));
    writeFileSync(path, 'a.example.org\n192.0.2.1 30\n192.0.2.2 40\n');
    await until('the new weights', () => sumIs(71));
    writeFileSync(path, 'a.example.org\n192.0.2.1 300 and more\n');
    await until('a line', () => lines.length > 0);
    assert.deepEqual(lines, [
      `[ERROR] ${path}:2: expected NAME, or ADDRESS WEIGHT; the weights stay as they were\n`,
    ]);
    assert.ok(await sumIs(71));
  });

  test('a file that is not there is named once and waited for', async (t) => {
    const path = join(temporaryDirectory(t), 'weights');
    let sum = 0;
    const { play, lines } = set(t, `loadbalance weighted ${path} {\nreload 5ms\n}`, (limit) => {
      sum = limit;
      return 0;
    });
    await play.ask('a.example.org A');
    assert.equal(sum, 3);
    assert.deepEqual(lines, [`[WARNING] weight file ${path}: no such file\n`]);
    writeFileSync(path, FILE);
    await until('the weights', async () => {
      await play.ask('a.example.org A');
      return sum === 6;
    });
    assert.equal(lines.length, 1);
  });
});

test('what is wrong in a weight file is said with its line', () => {
  const problemOf = (text: string) => {
    const file = readWeightFile(text);
    return file.code === 'malformed' ? `${file.line}: ${file.problem}` : file.code;
  };
  assert.equal(problemOf('\n# x\na.example\n192.0.2.1 255\n2001:DB8::1 1'), 'read');
  assert.match(problemOf('192.0.2.1 1'), /^1: expected a domain name before/);
  assert.match(problemOf('a.example\n192.0.2.1'), /^2: '192.0.2.1': expected a domain name/);
  assert.match(problemOf('a.example\n192.0.2 1'), /^2: '192.0.2': expected an IP address/);
  assert.match(problemOf('a.example\n192.0.2.1 0'), /^2: '0': expected a weight from 1 to 255/);
  assert.match(problemOf('a.example\n192.0.2.1 256'), /^2: '256'/);
  assert.match(problemOf('a..example'), /^1: /);
});
