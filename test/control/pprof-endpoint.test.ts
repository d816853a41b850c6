/** `pprof`: profiles of this very process, in both forms, and who asks wrongly or too much. */
import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { Profile } from 'pprof-format';
import { PprofEndpoint } from '../../src/control/pprof-endpoint.ts';

async function open(t: TestContext): Promise<(path: string) => Promise<Response>> {
  const endpoint = await PprofEndpoint.open({ host: '127.0.0.1', port: 0 }, (error) => {
    throw error;
  });
  assert.ok(!('code' in endpoint));
  t.after(() => endpoint.close());
  return (path) => fetch(`http://127.0.0.1:${endpoint.port}${path}`);
}

/** What a profile names, and its kinds of values. */
async function decoded(response: Response) {
  assert.equal(response.status, 200);
  const profile = Profile.decode(gunzipSync(await response.arrayBuffer()));
  const text = (index: number | bigint) => profile.stringTable.strings[Number(index)]!;
  return {
    profile,
    kinds: profile.sampleType.map(({ type, unit }) => `${text(type)} ${text(unit)}`),
    functions: profile.function.map(({ name }) => text(name)),
  };
}

/** Work to be seen in a profile. */
function spinUntil(isOver: () => boolean): void {
  const spinInProfile = () => {
    const end = performance.now() + 20;
    while (performance.now() < end);
    if (!isOver()) setImmediate(spinInProfile);
  };
  spinInProfile();
}

suite('pprof', () => {
  test('a profile of the CPU names what ran', async (t) => {
    const get = await open(t);
    let isOver = false;
    spinUntil(() => isOver);
    const { profile, kinds, functions } = await decoded(
      await get('/debug/pprof/profile?seconds=1'),
    );
    isOver = true;
    assert.deepEqual(kinds, ['samples count', 'cpu nanoseconds']);
    assert.ok(functions.includes('spinInProfile'), functions.join());
    const total = profile.sample.reduce((sum, { value }) => sum + Number(value[1]), 0);
    assert.ok(total > 0.5e9 && total < 30e9, `${total} ns`);
    assert.ok(Number(profile.durationNanos) >= 0.9e9);
  });

  test('a profile of the heap names who allocated what stands', async (t) => {
    const get = await open(t);
    const kept: number[][] = [];
    (function allocateForProfile() {
      for (let count = 0; count < 200; count++) kept.push(new Array<number>(20_000).fill(count));
    })();
    const { kinds, functions } = await decoded(await get('/debug/pprof/heap'));
    assert.deepEqual(kinds, ['inuse_space bytes']);
    assert.ok(functions.includes('allocateForProfile'), functions.join());
    assert.equal(kept.length, 200);
  });

  test("format=v8 is V8's own JSON", async (t) => {
    const get = await open(t);
    const heap = (await (await get('/debug/pprof/heap?format=v8')).json()) as { head: object };
    assert.ok(heap.head);
    const cpu = await get('/debug/pprof/profile?seconds=1&format=v8');
    assert.ok(((await cpu.json()) as { nodes: object[] }).nodes.length > 0);
  });

  test('one profile of the CPU at a time', async (t) => {
    const get = await open(t);
    const first = get('/debug/pprof/profile?seconds=1');
    const second = get('/debug/pprof/profile?seconds=1');
    const statuses = (await Promise.all([first, second])).map(({ status }) => status);
    assert.deepEqual(statuses.toSorted(), [200, 503]);
  });

  test('other seconds and other paths', async (t) => {
    const get = await open(t);
    for (const seconds of ['0', '121', '1.5', 'x', '']) {
      const response = await get(`/debug/pprof/profile?seconds=${seconds}`);
      assert.equal(response.status, 400, seconds);
      assert.match(await response.text(), /expected a whole number from 1 to 120/);
    }
    assert.equal((await get('/debug/pprof/goroutine')).status, 404);
    assert.match(await (await get('/debug/pprof/')).text(), /no Go program/);
    assert.match(await (await get('/debug/pprof/cmdline')).text(), /node/);
  });
});
