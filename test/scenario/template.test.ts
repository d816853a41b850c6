/**
 * The daemon with a template and a kube-dns ConfigMap as the kubelet mounts them: what it renders, how soon a swap is served, and
 * what a bad template or ConfigMap does at the start and later.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { STUB_ADDRESS, TemplateNode, template, UPSTREAM_ADDRESS, USUAL } from './template-node.ts';

suite('a template', { concurrency: true }, () => {
  test('is rendered, served, and followed: upstream servers, stub domains, the template itself', async (t) => {
    const node = await TemplateNode.set(t);
    await node.start(t, { template: USUAL });
    assert.equal(await node.addressOf('a.acme.local'), UPSTREAM_ADDRESS);
    assert.equal(node.upstream.queries[0]!.transport, 'udp', 'force_tcp went');

    await t.test('a swap of the ConfigMap adds a stub domain', async () => {
      node.mountKubeDns(node.stubDomains({ 'acme.local': [node.stubServer] }));
      await node.daemon.waitForLog(/Reloading complete/);
      assert.equal(await node.addressOf('b.acme.local'), STUB_ADDRESS);
      assert.equal(await node.addressOf('b.example.org'), UPSTREAM_ADDRESS);
    });

    await t.test('the rendered Corefile says so', () => {
      const text = readFileSync(node.daemon.corefilePath, 'utf8');
      assert.match(
        text,
        new RegExp(`\\nacme\\.local:${node.daemon.ports.dns} \\{\\n {4}errors\\n {4}cache 30\\n`),
      );
      assert.doesNotMatch(text, /__PILLAR__|force_tcp/);
    });

    await t.test(
      'the same ConfigMap in another order, or written anew, changes nothing',
      async () => {
        const from = node.daemon.log.length;
        const { stubDomains = '', ...others } = node.stubDomains({
          'acme.local': [node.stubServer],
        });
        node.mountKubeDns({ stubDomains, ...others });
        node.mountKubeDns({ ...others, stubDomains: ` ${stubDomains}\n` });
        // Behind it, a change that is one.
        node.mountKubeDns({ ...others, stubDomains: '{}' });
        await node.daemon.waitForLog(/Reloading complete/, undefined, from);
        const reloads = node.daemon.log.slice(from).filter((line) => line.endsWith('Reloading'));
        assert.equal(reloads.length, 1);
      },
    );

    await t.test('a stub domain that stays keeps its cache', async () => {
      const acme = [node.stubServer];
      node.mountKubeDns(node.stubDomains({ 'acme.local': acme }));
      await node.whenServed('kept.acme.local', STUB_ADDRESS);
      const asked = () =>
        node.stub.queries.filter(({ question }) => question.name === 'kept.acme.local').length;
      const before = asked();
      node.mountKubeDns(node.stubDomains({ 'acme.local': acme, 'also.local': [node.stubServer] }));
      await node.whenServed('a.also.local', STUB_ADDRESS);
      assert.equal(await node.addressOf('kept.acme.local'), STUB_ADDRESS);
      assert.equal(asked(), before);
    });

    await t.test('a swap of the template', async () => {
      const from = node.daemon.log.length;
      node.mountTemplate(template('reload\n  bufsize 1400'));
      await node.daemon.waitForLog(/Reloading complete/, undefined, from);
    });

    await t.test('a broken template changes nothing, and is named with its place', async () => {
      const from = node.daemon.log.length;
      node.mountTemplate(template('reload\n  bufsize 1'));
      const line = await node.daemon.waitForLog(/reload failed/, undefined, from);
      assert.match(line, /coredns\/Corefile\.base:5:11: bufsize: /);
      assert.equal(await node.addressOf('c.example.org'), UPSTREAM_ADDRESS);
      const scrape = await node.daemon.scrape();
      assert.equal(scrape.sum('zerohop_configmap_refused_total', { kind: 'template' }), 1);
    });

    await t.test('a bad entry is refused alone, named and counted', async () => {
      const from = node.daemon.log.length;
      node.mountTemplate(USUAL);
      node.mountKubeDns(
        node.stubDomains({ 'bad.local': [], '.': ['127.0.0.1'], 'good.local': [node.stubServer] }),
      );
      await node.daemon.waitForLog(
        /stubDomains: "bad\.local": expected at least one/,
        undefined,
        from,
      );
      await node.whenServed('a.good.local', STUB_ADDRESS);
      const scrape = await node.daemon.scrape();
      const { all, empty, domain, now } = {
        all: scrape.sum('coredns_nodecache_setup_errors_total', { errortype: 'configmap' }),
        empty: scrape.sum('zerohop_configmap_refused_total', { kind: 'empty' }),
        domain: scrape.sum('zerohop_configmap_refused_total', { kind: 'domain' }),
        now: scrape.sum('zerohop_configmap_refusals'),
      };
      assert.deepEqual({ all, empty, domain, now }, { all: 3, empty: 1, domain: 1, now: 2 });
    });
  });

  test('a ConfigMap that is bad at the start is taken when it is mended', async (t) => {
    const node = await TemplateNode.set(t);
    await node.start(t, {
      template: USUAL,
      kubeDns: { stubDomains: '{"acme', upstreamNameservers: node.upstreamNameservers },
    });
    await node.daemon.waitForLog(/refused: .*kube-dns\/stubDomains: expected JSON/);
    assert.equal(await node.addressOf('a.acme.local'), UPSTREAM_ADDRESS);
    node.mountKubeDns(node.stubDomains({ 'acme.local': [node.stubServer] }));
    await node.whenServed('b.acme.local', STUB_ADDRESS);
  });

  test('as many stub domains as there may be, all at once', async (t) => {
    const node = await TemplateNode.set(t);
    await node.start(t, { template: USUAL, args: ['-localip', '127.0.0.1,127.0.0.2'] });
    const domains = Array.from({ length: 257 }, (_, index) => `d${index}.local`);
    const servers = domains.map((domain) => [domain, [node.stubServer]]);
    node.mountKubeDns(node.stubDomains(Object.fromEntries(servers)));
    await node.daemon.waitForLog(/refused: .*"d256\.local": expected at most 256 domains/);
    await node.daemon.waitForLog(/Reloading complete/);
    for (const domain of ['d0.local', 'd128.local', 'd255.local']) {
      assert.equal(await node.addressOf(`a.${domain}`), STUB_ADDRESS);
    }
    assert.equal(await node.addressOf('a.d256.local'), UPSTREAM_ADDRESS);
    const scrape = await node.daemon.scrape();
    assert.ok(scrape.sum('zerohop_series_overflows_total') > 0, 'not all are in the metrics');
  });

  test('without reload a change is written, and served after a SIGUSR1', async (t) => {
    const node = await TemplateNode.set(t);
    await node.start(t, { template: template('') });
    node.mountKubeDns(node.stubDomains({ 'acme.local': [node.stubServer] }));
    await node.daemon.waitForLog(/without `reload` it is served after a SIGUSR1/);
    assert.match(readFileSync(node.daemon.corefilePath, 'utf8'), /\nacme\.local:/);
    assert.equal(await node.addressOf('a.acme.local'), UPSTREAM_ADDRESS);
    node.daemon.signal('SIGUSR1');
    await node.whenServed('b.acme.local', STUB_ADDRESS);
  });

  test('with -reloadwithsignal and without reload a change is served at once', async (t) => {
    const node = await TemplateNode.set(t);
    await node.start(t, { template: template(''), args: ['-reloadwithsignal'] });
    node.mountKubeDns(node.stubDomains({ 'acme.local': [node.stubServer] }));
    await node.whenServed('b.acme.local', STUB_ADDRESS);
  });

  test('without a template -conf is served as it stands, until there is one', async (t) => {
    const node = await TemplateNode.set(t);
    await node.start(t, { corefile: node.forwardToStub });
    assert.equal(await node.addressOf('a.example.org'), STUB_ADDRESS);
    node.mountTemplate(USUAL);
    await node.whenServed('b.example.org', UPSTREAM_ADDRESS);
  });

  test('a template that is wrong at the start ends it, with its place in the template', async (t) => {
    const node = await TemplateNode.set(t);
    await node.spawn(t, { template: '.:__PORT__ {\n  forward . __PILLAR__CLUSTER__DNS__\n}\n' });
    assert.equal(await node.daemon.exited(), 1);
    const [line, ...more] = node.daemon.log.filter((text) => text.startsWith('[ERROR]'));
    assert.match(
      line!,
      /coredns\/Corefile\.base:2:13: __PILLAR__CLUSTER__DNS__ has no value: KUBE_DNS_SERVICE_HOST is not set: /,
    );
    assert.deepEqual(more, []);
    assert.ok(node.daemon.log.every((text) => !text.includes('nil')));
  });

  test('a template that is wrong at the start: the last good rendering is served, then the mended one', async (t) => {
    const node = await TemplateNode.set(t);
    const template = '.:__PORT__ {\n  nonsense\n}\n';
    await node.start(t, { template, corefile: node.forwardToStub });
    await node.daemon.waitForLog(/Corefile\.base:2:3: .*: serving the last good rendering/);
    assert.equal(await node.addressOf('a.example.org'), STUB_ADDRESS);
    node.mountTemplate(USUAL);
    await node.whenServed('b.example.org', UPSTREAM_ADDRESS);
  });

  test('the address of kube-dns comes from the environment, or from -upstream-ip', async (t) => {
    const block =
      '.:__PORT__ {\n bind 127.0.0.1\n errors\n forward . __PILLAR__CLUSTER__DNS__ {\n max_connect_attempts 1\n }\n}\n';
    for (const [environment, args, address] of [
      [{ KUBE_DNS_UP_SERVICE_HOST: '127.0.0.77' }, ['-upstreamsvc', 'kube-dns-up'], '127.0.0.77'],
      [{ KUBE_DNS_SERVICE_HOST: '127.0.0.77' }, ['-upstream-ip', '127.0.0.78'], '127.0.0.78'],
    ] as const) {
      const node = await TemplateNode.set(t);
      await node.start(t, { template: block, environment, args });
      assert.match(
        readFileSync(node.daemon.corefilePath, 'utf8'),
        new RegExp(`forward \\. ${address} `),
      );
    }
  });

  test('a path that cannot be written: it is served from memory', async (t) => {
    const node = await TemplateNode.set(t);
    await node.start(t, { template: USUAL, args: ['-conf', join(node.root, 'missing/Corefile')] });
    await node.daemon.waitForLog(
      /missing\/Corefile: the rendered Corefile stays in memory: ENOENT/,
    );
    assert.equal(await node.addressOf('a.example.org'), UPSTREAM_ADDRESS);
    node.mountKubeDns(node.stubDomains({ 'acme.local': [node.stubServer] }));
    await node.whenServed('b.acme.local', STUB_ADDRESS);
    assert.equal(node.daemon.log.filter((line) => line.includes('stays in memory')).length, 1);
  });
});
