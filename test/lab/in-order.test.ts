/**
 * Replicas that serve each TCP connection strictly in order, as CoreDNS does, and take 2 s for one name of a hundred: whoever asks for
 * another name does not wait behind it. What waits in such a connection is shown beside it, by a client that asks a replica itself.
 */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { Lab } from './lab.ts';
import { compileStub, type QueryRecord, runStub, type StubOptions, TCP_STUB } from './stub.ts';
import { LINK_LOCAL, REPLICAS } from './topology.ts';
import { startZerohop } from './zerohop.ts';
import { CLUSTER, isSlowService, SLOW_MS, serviceName } from './zones.ts';

interface Load {
  readonly queriesPerS: number;
  readonly count: number;
  /** Number of the first service; each is asked once, so that no cache knows it. */
  readonly first: number;
}

const THROUGH_ZEROHOP: Load = { queriesPerS: 100, count: 1500, first: 0 };
/** At more than 50 a second one connection never catches up. */
const DIRECT: Load = { queriesPerS: 25, count: 300, first: 5000 };
/** A fast name that waited for a slow one waits half of it in the mean. */
const HELD_UP_MS = SLOW_MS / 2;

suite('replicas that serve in order', () => {
  let lab: Lab;
  let stub: readonly string[];

  before(async () => {
    lab = await Lab.start({ after() {} }, { replicas: 'in-order', nodes: 1, podsPerNode: 2 });
    stub = await compileStub(lab.folder);
  });
  after(() => lab?.close());

  const ask = async (program: readonly string[], load: Load, options: StubOptions) => {
    const schedule = Array.from({ length: load.count }, (_, index) => {
      const name = `${serviceName(load.first + index)}.svc.${CLUSTER}`;
      return { atUs: (index * 1e6) / load.queriesPerS, name };
    });
    const common = { withSearch: false, timeoutMs: 10_000, ...options };
    return (await runStub(program, lab.node(1).pods[0]!, schedule, common, lab.folder)).queries;
  };

  test('fast names are not held up behind slow ones', async (t) => {
    await startZerohop(lab.node(1), { args: ['-setupiptables=false'] });
    const options = { server: LINK_LOCAL.v4, aOnly: true, tries: 1 };
    const through = summary(await ask(stub, THROUGH_ZEROHOP, options));
    t.diagnostic(`through Zerohop: ${textOf(through)}`);
    const kept = { server: REPLICAS[0]!.v4, oneSocket: true, tries: 2 };
    const direct = summary(await ask(TCP_STUB, DIRECT, kept));
    t.diagnostic(`one connection to a replica: ${textOf(direct)}`);
    assert.equal(through.lost, 0);
    assert.equal(through.slow, THROUGH_ZEROHOP.count / 100);
    const heldUpShare = (summary: Summary) => summary.heldUp / summary.fast;
    assert.ok(heldUpShare(direct) > 0.1, 'in order, many wait');
    assert.ok(heldUpShare(through) < heldUpShare(direct) / 50);
  });
});

interface Summary {
  readonly lost: number;
  readonly slow: number;
  readonly fast: number;
  /** Fast names that took as long as if they had waited for a slow one. */
  readonly heldUp: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

function summary(queries: readonly QueryRecord[]): Summary {
  const fast = queries.filter(({ name }) => !isSlowService(name));
  const latenciesMs = fast.map(({ latencyUs }) => latencyUs / 1000).sort((a, b) => a - b);
  const at = (share: number) => latenciesMs[Math.floor(share * (latenciesMs.length - 1))]!;
  return {
    lost: queries.filter(({ rcode }) => rcode !== 0).length,
    slow: queries.length - fast.length,
    fast: fast.length,
    heldUp: latenciesMs.filter((ms) => ms > HELD_UP_MS).length,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  };
}

function textOf({ lost, heldUp, p50Ms, p99Ms }: Summary): string {
  return `${lost} lost; fast names: ${heldUp} held up, p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`;
}
