/**
 * A second Zerohop starts beside one that serves, under load: its start is no business of any client. The start is drawn out to
 * twice a client's patience: who waits for it is lost, however busy the machine.
 */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { preload } from '../life/preload.ts';
import { until } from '../support/until.ts';
import { Lab, type Place } from './lab.ts';
import { lossesOf, Steady } from './steady.ts';
import { compileStub } from './stub.ts';
import { KUBE_DNS, LINK_LOCAL } from './topology.ts';
import { startZerohop, Zerohop } from './zerohop.ts';

const START_MS = 10_000;
/** Before the start, while it lasts on a busy machine, and after it. */
const SECONDS = 30;

suite('a Zerohop that starts beside another', () => {
  let lab: Lab;
  let stub: readonly string[];

  before(async () => {
    lab = await Lab.start({ after() {} }, { nodes: 1, podsPerNode: 3 });
    stub = await compileStub(lab.folder);
  });
  after(() => lab?.close());

  test('makes nobody wait for its start', async (t) => {
    const node = lab.node(1);
    const [pod1, pod2, pod3] = node.pods as [Place, Place, Place] & typeof node.pods;
    const first = await startZerohop(node);
    await first.intercepts();
    const clients = [...Object.values(KUBE_DNS), ...Object.values(LINK_LOCAL)].flatMap((server) => [
      new Steady(lab, stub, pod1, { server, seconds: SECONDS }),
      new Steady(lab, stub, pod2, { server, seconds: SECONDS, oneSocket: true }),
      new Steady(lab, stub, pod3, { server, seconds: SECONDS, transport: 'tcp' }),
    ]);
    const pause = `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${START_MS})`;
    const nodeFlags = [preload('responder', pause)];
    const fromUs = clients[0]!.nowUs();
    const second = new Zerohop(node, { instance: 1, nodeFlags });
    await second.server.waitForLog(/another process serves .*: joining it when ready/);
    await second.intercepts();
    await until('it answers clients', async () => {
      return (await second.scrape()).sum('coredns_dns_requests_total') > 50;
    });
    const tookMs = (clients[0]!.nowUs() - fromUs) / 1000;
    t.diagnostic(`joined after ${Math.round(tookMs)} ms`);
    assert.ok(
      tookMs > START_MS && clients[0]!.nowUs() < SECONDS * 1e6,
      'the clients asked all the time',
    );
    assert.deepEqual(await lossesOf(t, clients), []);
  });
});
