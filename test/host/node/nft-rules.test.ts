import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { chooseInterception } from '../../../src/host/choice.ts';
import { type Run, runCommand } from '../../../src/host/command.ts';
import { isInNamespace, runInNamespace } from '../../support/namespace.ts';
import { until } from '../../support/until.ts';
import { assertAllBy, end, keepLeased, OPTIONS, start, startLeased } from './interception-tests.ts';
import { CLUSTER_IP, FAMILIES, OWN, sh, startKubeProxy, startNode } from './test-node.ts';

/** Fails as a kernel without a part does, when the text asks for it. */
function without(part: RegExp): Run {
  return async (binary, args, input = '') => {
    if (!part.test(input)) return runCommand(binary, args, input);
    const detail = 'Error: Could not process rule: No such file or directory';
    return { ok: false, failure: { code: 'command_failed', command: binary, detail } };
  };
}

function nft(text: string): void {
  execFileSync('nft', ['-f', '-'], { input: text });
}

const firewall = (policy: string, last: string) => `table inet fw {
  chain input {
    type filter hook input priority 10; policy ${policy};
    iif lo accept
    ct state established,related accept
    meta l4proto { icmp, ipv6-icmp } accept
    ${last}
  }
  chain output {
    type filter hook output priority 10; policy ${policy};
    oif lo accept
    meta l4proto { icmp, ipv6-icmp } accept
    ${last}
  }
}
`;

if (!isInNamespace()) test('in a namespace', (t) => runInNamespace(t, import.meta.filename));
else {
  await test('rules of nft', async (t) => {
    const node = await startNode(t);
    startKubeProxy('nftables');
    const clean = sh('nft list ruleset');

    await t.test('leave a TCP connection with whom it began', async (t) => {
      const interception = await start();
      for (const family of FAMILIES) {
        const address = CLUSTER_IP[family];
        const before = { socket: `before ${address}` };
        assert.equal((await node.pod.ask('tcp', address, before)).by, 'kube-dns');
        const stop = await keepLeased(t, interception);
        assert.equal((await node.pod.ask('tcp', address, before)).by, 'kube-dns');
        const during = { socket: `during ${address}` };
        assert.equal((await node.pod.ask('tcp', address, during)).by, 'us');
        await stop();
        await interception.withdraw();
        assert.equal((await node.pod.ask('tcp', address)).by, 'kube-dns');
        assert.equal((await node.pod.ask('tcp', address, during)).by, 'us');
        assert.equal((await node.pod.ask('tcp', address, before)).by, 'kube-dns');
      }
      await end(interception);
    });

    for (const [name, text] of [
      ['drops by policy', firewall('drop', '')],
      ['rejects what is left', firewall('accept', 'counter reject')],
      ['drops what is left', firewall('accept', 'log prefix "dropped: " counter drop')],
    ] as const) {
      await t.test(`let queries in where a chain of others ${name}`, async (t) => {
        nft(text);
        const before = sh('nft list ruleset | sed "s/packets [0-9]* bytes [0-9]*//"');
        await assert.rejects(node.pod.ask('udp', OWN[4], { timeoutMs: 500 }));
        const interception = await startLeased(t);
        await assertAllBy('us', node);
        assert.equal((await interception.describe()).losses.length, 0);
        // As a firewall does when it is reloaded.
        let changeCount = 0;
        const stop = interception.watch(() => {
          changeCount += 1;
        });
        nft(`delete table inet fw\n${text}`);
        await until('the change is noticed', async () => changeCount > 0);
        stop();
        assert.equal((await interception.describe()).losses.length, 2);
        const { restored } = await interception.ensure();
        assert.equal(restored, 2 * 8);
        await assertAllBy('us', node);
        await end(interception);
        assert.equal(sh('nft list ruleset | sed "s/packets [0-9]* bytes [0-9]*//"'), before);
        nft('delete table inet fw');
      });
    }

    await t.test('let queries in where iptables drops by policy, as iptables sees', async (t) => {
      sh(`iptables-nft -A INPUT -i lo -j ACCEPT
        iptables-nft -A INPUT -p icmp -j ACCEPT
        iptables-nft -P INPUT DROP`);
      const before = sh('iptables-nft-save -t filter | grep -v "^#"');
      const interception = await startLeased(t);
      await assertAllBy('us', node);
      const rule = `INPUT -d ${OWN[4]} -p udp --dport 53 -m comment --comment "NodeLocal DNS Cache: allow DNS traffic" -j ACCEPT`;
      sh(`iptables-nft -C ${rule}`);
      await end(interception);
      assert.equal(
        sh('iptables-nft-save -t filter | grep -v "^#"').replace(/\[.*\]/g, ''),
        before.replace(/\[.*\]/g, ''),
      );
      sh('iptables-nft -P INPUT ACCEPT; iptables-nft -F INPUT; nft delete table ip filter');
    });

    await t.test('are watched in chains of others, which are not', async () => {
      nft(firewall('drop', ''));
      const interception = await start();
      let changeCount = 0;
      const stop = interception.watch(() => {
        changeCount += 1;
      });
      nft('table inet others {\n\tchain one {\n\t\tcounter\n\t}\n}\n');
      nft('delete table inet others\n');
      nft('add rule inet fw input counter\n');
      await pause(700);
      assert.equal(changeCount, 0);
      const chain = sh('nft -a list chain inet fw input');
      const handle = /comment "NodeLocal DNS Cache.* # handle (\d+)/.exec(chain)?.[1];
      nft(`delete rule inet fw input handle ${handle}\n`);
      await until('the change is noticed', async () => changeCount > 0);
      stop();
      assert.deepEqual(await interception.ensure(), { restored: 1, removed: 0, failures: [] });
      await end(interception);
      nft('delete table inet fw');
    });

    await t.test('count what others took away or added', async () => {
      const interception = await start();
      nft('flush chain inet zerohop prerouting\n');
      assert.deepEqual(await interception.ensure(), { restored: 6, removed: 0, failures: [] });
      nft(`delete element inet zerohop address4 { ${CLUSTER_IP[4]} }\n`);
      assert.deepEqual(await interception.ensure(), { restored: 1, removed: 0, failures: [] });
      nft(`add rule inet zerohop output ip daddr ${CLUSTER_IP[4]} udp dport 53 notrack\n`);
      assert.deepEqual(await interception.ensure(), { restored: 0, removed: 1, failures: [] });
      nft('flush chain inet zerohop standby6\n');
      assert.deepEqual(await interception.ensure(), { restored: 1, removed: 0, failures: [] });
      assert.equal((await node.pod.ask('udp', OWN[6])).by, 'kube-dns');
      await end(interception);
    });

    await t.test('replace a table of the same name and another make', async (t) => {
      nft('table inet zerohop {\n\tset lease4 {\n\t\ttype inet_service\n\t}\n}\n');
      const interception = await startLeased(t);
      await assertAllBy('us', node);
      await end(interception);
    });

    await t.test('hold without a stand-by where the kernel has no NAT', async (t) => {
      const interception = await chooseInterception(OPTIONS, { run: without(/type nat/) });
      assert.deepEqual(await interception.install(), []);
      assert.match(
        interception.losses.join(),
        /^nobody stands in at 169\.254\.20\.10, fd00:20::10/,
      );
      await keepLeased(t, interception);
      await assertAllBy('us', node);
      await end(interception);
    });

    await t.test('hold without a lease where the kernel has no time-outs in sets', async () => {
      const interception = await chooseInterception(OPTIONS, { run: without(/flags .*timeout/) });
      assert.deepEqual(await interception.install(), []);
      assert.match(interception.losses.join(), /^rules without a lease/);
      const cluster = async () => (await node.pod.ask('udp', CLUSTER_IP[4])).by;
      assert.equal(await cluster(), 'kube-dns');
      assert.equal(await interception.renew(), undefined);
      await assertAllBy('us', node);
      assert.equal((await interception.describe()).hasLease, false);
      assert.deepEqual(await interception.withdraw(), []);
      assert.equal(await cluster(), 'kube-dns');
      assert.deepEqual(await interception.remove(), []);
    });

    await t.test('are renewed by commands where koffi cannot load', async (t) => {
      const libc = new Error('not here');
      const interception = await chooseInterception(OPTIONS, { libc });
      assert.deepEqual(await interception.install(), []);
      await keepLeased(t, interception);
      await assertAllBy('us', node);
      sh('nft delete table inet zerohop');
      assert.equal(await interception.renew(), undefined);
      await assertAllBy('us', node);
      await end(interception);
      assert.equal((await node.pod.ask('udp', CLUSTER_IP[4])).by, 'kube-dns');
    });

    await t.test('leave nothing behind', () => {
      assert.equal(sh('nft list ruleset'), clean);
    });
  });
}
