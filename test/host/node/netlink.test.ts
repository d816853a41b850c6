/** rtnetlink against this kernel, in a network namespace of its own; the `ip` program is the second opinion. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { requireLibc } from '../../../src/os/libc.ts';
import { Netlink } from '../../../src/os/netlink.ts';
import { MESSAGE, type NetlinkMessage, ROUTE_PROTOCOL } from '../../../src/os/netlink-message.ts';
import { watchNetlink } from '../../../src/os/netlink-watch.ts';
import { isInNamespace, runInNamespace } from '../../support/namespace.ts';
import { until } from '../../support/until.ts';

const LINK_GROUPS = 0x1 | 0x10 | 0x100;

function ip(...args: string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8' });
}

/** An error of the kernel by its name. */
function failsWith(code: string) {
  return (error: unknown) => {
    assert.equal((error as { code?: string }).code, code, String(error));
    return true;
  };
}

if (isInNamespace()) describeAll();
else test('in a namespace', (t) => runInNamespace(t, import.meta.filename));

function describeAll(): void {
  const libc = requireLibc();

  describe('links', () => {
    test('are made, found, set up, and deleted', () => {
      const netlink = new Netlink(libc);
      assert.equal(netlink.findLink('cache0'), undefined);
      netlink.createLink('cache0', 'bridge');
      const { index, isUp } = netlink.findLink('cache0')!;
      assert.equal(isUp, false);
      assert.match(ip('-o', 'link', 'show', 'cache0'), new RegExp(`^${index}: cache0:`));
      netlink.setLinkUp(index);
      assert.equal(netlink.findLink('cache0')?.isUp, true);
      assert.match(ip('-o', 'link', 'show', 'cache0'), /[<,]UP[,>]/);
      netlink.deleteLink(index);
      assert.equal(netlink.findLink('cache0'), undefined);
      netlink.close();
    });

    test('the kernel’s refusals come back by name', () => {
      const netlink = new Netlink(libc);
      netlink.createLink('twice', 'bridge');
      assert.throws(() => netlink.createLink('twice', 'bridge'), failsWith('EEXIST'));
      assert.throws(
        () => netlink.createLink('odd', 'no-such-kind'),
        (error: unknown) => {
          return ['ENOTSUP', 'EOPNOTSUPP'].includes((error as { code: string }).code);
        },
      );
      assert.throws(() => netlink.deleteLink(4711), failsWith('ENODEV'));
      assert.throws(() => netlink.setLinkUp(4711), failsWith('ENODEV'));
      assert.throws(() => netlink.findLink('a-name-of-16-oct'), failsWith('EINVAL'));
      // A request that failed leaves nothing behind that the next one could take for its answer.
      assert.equal(netlink.findLink('lo')?.index, 1);
      netlink.deleteLink(netlink.findLink('twice')!.index);
      netlink.close();
    });
  });

  describe('addresses', () => {
    for (const { address, prefixLength } of [
      { address: '169.254.20.10', prefixLength: 32 },
      { address: 'fd00:90::a', prefixLength: 128 },
    ]) {
      test(`${address} is added, listed, usable at once, and deleted`, () => {
        const netlink = new Netlink(libc);
        const own = { index: 1, address, prefixLength };
        netlink.addAddress(own);
        assert.throws(() => netlink.addAddress(own), failsWith('EEXIST'));
        assert.deepEqual(
          netlink.addresses().filter((other) => other.address === address),
          [own],
        );
        const shown = ip('-o', 'address', 'show', 'dev', 'lo', 'to', `${address}/${prefixLength}`);
        assert.match(shown, new RegExp(`${address}/${prefixLength} scope global`));
        assert.doesNotMatch(shown, /tentative/);
        netlink.deleteAddress(own);
        assert.throws(() => netlink.deleteAddress(own), failsWith('EADDRNOTAVAIL'));
        netlink.close();
      });
    }

    test('an address for no link is ENODEV', () => {
      const netlink = new Netlink(libc);
      const nowhere = { index: 4711, address: '192.0.2.1', prefixLength: 32 };
      assert.throws(() => netlink.addAddress(nowhere), failsWith('ENODEV'));
      netlink.close();
    });

    test('a list longer than one read is whole', () => {
      const netlink = new Netlink(libc);
      const own = Array.from({ length: 1000 }, (_, number) => {
        const address = `10.9.${number >> 8}.${number & 255}`;
        return { index: 1, address, prefixLength: 32 };
      });
      for (const address of own) netlink.addAddress(address);
      const listed = new Set(netlink.addresses().map(({ address }) => address));
      assert.ok(own.every(({ address }) => listed.has(address)));
      for (const address of own) netlink.deleteAddress(address);
      netlink.close();
    });
  });

  describe('local routes', () => {
    for (const [family, address, source, prefixLength] of [
      ['IPv4', '169.254.20.12', '127.0.0.1', 32],
      ['IPv6', 'fd00:90::c', '::1', 128],
    ] as const) {
      test(`of ${family}, with a source, are added, replaced, found and deleted`, () => {
        const netlink = new Netlink(libc);
        assert.equal(netlink.sourceToward(address), undefined, 'no way leads there');
        const own = { index: 1, address, prefixLength };
        netlink.addAddress(own);
        const route = { index: 1, address, protocol: ROUTE_PROTOCOL.STATIC };
        netlink.addLocalRoute({ ...route, source });
        assert.throws(() => netlink.addLocalRoute({ ...route, source }), failsWith('EEXIST'));
        const version = family === 'IPv4' ? '-4' : '-6';
        const ours = () =>
          ip(version, 'route', 'show', 'table', 'local', 'proto', 'static').trim().split('\n');
        assert.match(ours().join(), new RegExp(`^local ${address} dev lo .*src ${source}`));
        netlink.replaceLocalRoute(route);
        assert.doesNotMatch(ours().join(), / src /);
        netlink.deleteLocalRoute(route);
        assert.deepEqual(ours(), ['']);
        assert.throws(() => netlink.deleteLocalRoute(route), failsWith('ESRCH'));
        assert.equal(netlink.sourceToward(address), address);
        netlink.deleteAddress(own);
        netlink.close();
      });
    }
  });

  describe('notifications', () => {
    test('tell of what somebody else did', async (t) => {
      const seen: NetlinkMessage[] = [];
      const stop = watchNetlink(libc, {
        protocol: 0,
        groups: LINK_GROUPS,
        onMessages: (messages) => seen.push(...messages),
        onLoss: () => {},
      });
      t.after(stop);
      ip('address', 'add', '192.0.2.7/32', 'dev', 'lo');
      await until('NEW_ADDRESS', async () => seen.some(({ type }) => type === MESSAGE.NEW_ADDRESS));
      ip('address', 'delete', '192.0.2.7/32', 'dev', 'lo');
      await until('DELETE_ADDRESS', async () =>
        seen.some(({ type }) => type === MESSAGE.DELETE_ADDRESS),
      );
      ip('link', 'add', 'seen0', 'type', 'bridge');
      await until('NEW_LINK', async () => seen.some(({ type }) => type === MESSAGE.NEW_LINK));
      ip('link', 'delete', 'seen0');
      await until('DELETE_LINK', async () => seen.some(({ type }) => type === MESSAGE.DELETE_LINK));
    });

    test('a queue that ran over is told, and the watch goes on', async (t) => {
      let losses = 0;
      const seen: NetlinkMessage[] = [];
      const stop = watchNetlink(libc, {
        protocol: 0,
        groups: LINK_GROUPS,
        onMessages: (messages) => seen.push(...messages),
        onLoss: () => {
          losses += 1;
        },
      });
      t.after(stop);
      // All within one turn of the loop, which therefore reads nothing meanwhile.
      const netlink = new Netlink(libc);
      const own = { index: 1, address: '192.0.2.8', prefixLength: 32 };
      for (let round = 0; round < 2000; round++) {
        netlink.addAddress(own);
        netlink.deleteAddress(own);
      }
      await until('a loss', async () => losses > 0);
      seen.length = 0;
      netlink.addAddress(own);
      await until('NEW_ADDRESS', async () => seen.some(({ type }) => type === MESSAGE.NEW_ADDRESS));
      netlink.deleteAddress(own);
      netlink.close();
    });
  });
}
