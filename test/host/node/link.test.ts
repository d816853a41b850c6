/** The node's interface against this kernel: made, kept, given back; on loopback where the kernel has no dummy devices. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { type TestContext, test } from 'node:test';
import { NodeLink } from '../../../src/host/link.ts';
import { requireLibc } from '../../../src/os/libc.ts';
import { isInNamespace, runInNamespace } from '../../support/namespace.ts';
import { until } from '../../support/until.ts';

const ADDRESSES = ['169.254.20.10', 'fd00:90::a', '10.96.0.10'];

function ip(...args: string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8' });
}

/** The addresses of a device that are not its own by nature, each with its prefix length. */
function shown(device: string): string[] {
  const lines = ip('-o', 'address', 'show', 'dev', device).trim().split('\n');
  return lines
    .map((line) => line.split(/\s+/)[3]!)
    .filter((address) => !/^(127\.|::1\/|fe80:)/.test(address))
    .sort();
}

const EXPECTED = ['10.96.0.10/32', '169.254.20.10/32', 'fd00:90::a/128'];

/** A kind that every kernel of the tests has, in place of `dummy`. */
function createLink(t: TestContext, name: string, kind = 'bridge'): NodeLink {
  const link = new NodeLink({ libc: requireLibc(), name, kind });
  t.after(() => link.remove(ADDRESSES));
  return link;
}

/** Of the node that the namespace is, while `giveNodeAddresses` holds. */
const NODE = { v4: '192.0.2.1', v6: 'fd00:77::1' };

/** With a default route in each family. */
function giveNodeAddresses(t: TestContext): void {
  ip('link', 'add', 'node0', 'type', 'bridge');
  t.after(() => spawnSync('ip', ['link', 'delete', 'node0']));
  ip('link', 'set', 'node0', 'up');
  ip('address', 'add', `${NODE.v4}/24`, 'dev', 'node0');
  ip('address', 'add', `${NODE.v6}/64`, 'dev', 'node0', 'nodad');
  ip('route', 'add', 'default', 'via', '192.0.2.254');
  ip('-6', 'route', 'add', 'default', 'via', 'fd00:77::fe', 'dev', 'node0');
}

function sourceToward(address: string): string | undefined {
  return / src (\S+)/.exec(ip('route', 'get', address))?.[1];
}

/** Toward each of ADDRESSES. */
function sources(): (string | undefined)[] {
  return ADDRESSES.map(sourceToward);
}

function routesToUs(): string[] {
  const lines = ['-4', '-6'].flatMap((family) =>
    ip(family, 'route', 'show', 'table', 'all').split('\n'),
  );
  return lines.filter((line) => ADDRESSES.some((address) => line.includes(address)));
}

if (isInNamespace()) describeAll();
else test('in a namespace', (t) => runInNamespace(t, import.meta.filename));

function describeAll(): void {
  test('is made with both families, set up, and found again', (t) => {
    const link = createLink(t, 'cache0');
    const first = link.ensure(ADDRESSES);
    assert.deepEqual(first, { isCreated: true, added: ADDRESSES, failures: [] });
    assert.equal(link.name, 'cache0');
    assert.deepEqual(shown('cache0'), EXPECTED);
    assert.match(ip('-o', 'link', 'show', 'cache0'), /[<,]UP[,>]/);
    const again = createLink(t, 'cache0').ensure(ADDRESSES);
    assert.deepEqual(again, { isCreated: false, added: [], failures: [] });
  });

  test('what is missing is added, and a device that is down is set up', (t) => {
    const link = createLink(t, 'cache1');
    link.ensure(ADDRESSES);
    ip('link', 'set', 'cache1', 'down');
    ip('address', 'delete', '10.96.0.10/32', 'dev', 'cache1');
    const { isCreated, added, failures } = link.ensure(ADDRESSES);
    assert.deepEqual([isCreated, failures], [false, []]);
    // The kernel takes IPv6 addresses from a device that is set down.
    assert.deepEqual([...added].sort(), ['10.96.0.10', 'fd00:90::a']);
    assert.deepEqual(shown('cache1'), EXPECTED);
    assert.match(ip('-o', 'link', 'show', 'cache1'), /[<,]UP[,>]/);
  });

  test('is gone with its addresses at the end, and a second end is no failure', (t) => {
    const link = createLink(t, 'cache2');
    link.ensure(ADDRESSES);
    assert.deepEqual(link.remove(ADDRESSES), []);
    assert.throws(() => ip('link', 'show', 'cache2'));
    assert.deepEqual(link.remove(ADDRESSES), []);
  });

  test('without such a kind in the kernel, loopback carries the addresses', (t) => {
    const link = createLink(t, 'cache3', 'no-such-kind');
    assert.deepEqual(link.ensure(ADDRESSES).failures, []);
    assert.equal(link.name, 'lo');
    assert.deepEqual(shown('lo'), EXPECTED);
    // A prefix of somebody else's is not ours to take away.
    ip('address', 'add', '192.0.2.1/24', 'dev', 'lo');
    assert.deepEqual(link.remove([...ADDRESSES, '192.0.2.1', '127.0.0.1', '::1']), []);
    assert.deepEqual(shown('lo'), ['192.0.2.1/24']);
    assert.match(ip('-o', 'address', 'show', 'dev', 'lo'), /127\.0\.0\.1\/8[\s\S]*::1\/128/);
    ip('address', 'delete', '192.0.2.1/24', 'dev', 'lo');
  });

  test('loopback addresses are served where they are', (t) => {
    const link = createLink(t, 'cache4');
    assert.deepEqual(link.ensure(['127.0.0.1', '::1']).added, []);
  });

  test('a failure says what failed, and the rest is done', (t) => {
    const link = createLink(t, 'cache5');
    ip('link', 'add', 'cache5', 'type', 'bridge');
    execFileSync('sysctl', ['-q', '-w', 'net.ipv6.conf.cache5.disable_ipv6=1']);
    const { failures, added } = link.ensure(ADDRESSES);
    assert.deepEqual(added, ['169.254.20.10', '10.96.0.10']);
    assert.equal(failures.length, 1);
    assert.equal(failures[0]?.errorType, 'interface_add');
    assert.equal(failures[0]?.failure.code, 'command_failed');
    assert.match(JSON.stringify(failures), /fd00:90::a.*IPv6 disabled/);
  });

  test('a name that cannot be is a failure', (t) => {
    const { failures } = createLink(t, 'a-name-of-16-oct').ensure(ADDRESSES);
    assert.ok(failures.some(({ failure }) => failure.code === 'command_failed'));
  });

  const harms: Readonly<Record<string, (name: string) => void>> = {
    'a deleted address': (name) => ip('address', 'delete', '169.254.20.10/32', 'dev', name),
    'a deleted IPv6 address': (name) => ip('address', 'delete', 'fd00:90::a/128', 'dev', name),
    'a deleted device': (name) => ip('link', 'delete', name),
    'a device set down': (name) => ip('link', 'set', name, 'down'),
  };
  for (const [number, [what, harm]] of Object.entries(harms).entries()) {
    test(`${what} is told and comes back`, async (t) => {
      const name = `watched${number}`;
      const link = createLink(t, name);
      link.ensure(ADDRESSES);
      let count = 0;
      const stop = link.watch(() => {
        count += 1;
        link.ensure(ADDRESSES);
      });
      assert.ok(typeof stop === 'function');
      t.after(stop);
      harm(name);
      await until('all is back', async () => {
        const isUp = /[<,]UP[,>]/.test(ip('-o', 'link', 'show', name));
        return isUp && shown(name).join() === EXPECTED.join();
      });
      assert.ok(count > 0);
    });
  }

  for (const [where, kind] of [
    ['a device of our own', 'bridge'],
    ['loopback', 'no-such-kind'],
  ] as const) {
    test(`a client on the host keeps the source that it has without us, ${where}`, async (t) => {
      giveNodeAddresses(t);
      const link = createLink(t, 'cache6', kind);
      const failures: unknown[] = [];
      const stop = link.watch(() => failures.push(...link.ensure(ADDRESSES).failures));
      assert.ok(typeof stop === 'function');
      t.after(stop);
      failures.push(...link.ensure(ADDRESSES).failures);
      const nodes = [NODE.v4, NODE.v6, NODE.v4].join();
      await until('the node’s addresses are the sources', async () => sources().join() === nodes);
      assert.deepEqual(shown(link.name), EXPECTED);
      ip('address', 'delete', '10.96.0.10/32', 'dev', link.name);
      await until('it is back', async () => shown(link.name).join() === EXPECTED.join());
      assert.equal(sources().join(), nodes);
      ip('link', 'delete', 'node0');
      await until('the kernel chooses', async () => sources().join() === ADDRESSES.join());
      assert.deepEqual(shown(link.name), EXPECTED);
      assert.deepEqual(failures, []);
      assert.deepEqual(link.remove(ADDRESSES), []);
      assert.deepEqual(routesToUs(), []);
    });
  }

  test('what a predecessor left is taken on, and goes at the end', async (t) => {
    giveNodeAddresses(t);
    createLink(t, 'cache7', 'no-such-kind').ensure(ADDRESSES);
    const link = createLink(t, 'cache7', 'no-such-kind');
    link.ensure(ADDRESSES);
    ip('link', 'delete', 'node0');
    link.ensure(ADDRESSES);
    assert.deepEqual(sources(), ADDRESSES);
    assert.deepEqual(link.remove(ADDRESSES), []);
    assert.deepEqual(routesToUs(), []);
  });

  test('changes of other devices and other addresses are not told', async (t) => {
    const link = createLink(t, 'quiet0');
    link.ensure(ADDRESSES);
    let count = 0;
    const stop = link.watch(() => {
      count += 1;
    });
    assert.ok(typeof stop === 'function');
    t.after(stop);
    ip('link', 'add', 'other0', 'type', 'bridge');
    ip('address', 'add', '192.0.2.1/32', 'dev', 'other0');
    ip('link', 'delete', 'other0');
    ip('address', 'add', '192.0.2.2/32', 'dev', 'quiet0');
    ip('address', 'delete', '192.0.2.2/32', 'dev', 'quiet0');
    assert.equal(count, 0);
    ip('address', 'delete', '10.96.0.10/32', 'dev', 'quiet0');
    await until('the loss that counts', async () => count === 1);
  });
}
