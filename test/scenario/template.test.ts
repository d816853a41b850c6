/**
 * The daemon with a template and a kube-dns ConfigMap as the kubelet mounts them: what it renders, how soon a swap is served, and
 * what a bad template or ConfigMap does at the start and later.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { type Keys, mountConfigMap } from '../support/config-map.ts';
import {
  type Daemon,
  type DaemonOptions,
  type DaemonPorts,
  spawnDaemon,
  startDaemon,
} from '../support/daemon.ts';
import { udpAsk } from '../support/dns-client.ts';
import { addresses } from '../support/scripted-replies.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from './stage.ts';

const UPSTREAM_ADDRESS = '192.0.2.1';
const STUB_ADDRESS = '192.0.2.2';

/** A block for everything, below which stub domains appear. */
function template(lines = 'reload'): string {
  return `.:__PORT__ {
  bind __PILLAR__LOCAL__DNS__ __PILLAR__DNS__SERVER__
  errors
  ${lines}
  forward . __PILLAR__UPSTREAM__SERVERS__ {
        force_tcp
  }
}
`;
}

const USUAL = template();

interface NodeOptions {
  /** Undefined: its directory is there, and empty. */
  readonly template?: string;
  readonly kubeDns?: Keys;
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** What stands at `-conf` before the start. */
  readonly corefile?: DaemonOptions['corefile'];
}

/** A node with its two mounts, an upstream and the server of a stub domain. */
class Node {
  readonly root: string;
  readonly upstream: ScriptedUpstream;
  readonly stub: ScriptedUpstream;
  daemon!: Daemon;

  private constructor(t: TestContext, upstream: ScriptedUpstream, stub: ScriptedUpstream) {
    this.root = temporaryDirectory(t);
    this.upstream = upstream;
    this.stub = stub;
  }

  static async set(t: TestContext): Promise<Node> {
    const upstream = await ScriptedUpstream.start(t, (query) => addresses(query, UPSTREAM_ADDRESS));
    const stub = await ScriptedUpstream.start(t, (query) => addresses(query, STUB_ADDRESS));
    return new Node(t, upstream, stub);
  }

  /** Starts a daemon and does not wait for it. */
  async spawn(t: TestContext, options: NodeOptions): Promise<void> {
    await this.#start(spawnDaemon, t, options);
  }

  async start(t: TestContext, options: NodeOptions): Promise<void> {
    await this.#start(startDaemon, t, options);
  }

  /** `__PORT__` is that of DNS. */
  mountTemplate(text: string, port = this.daemon.ports.dns): void {
    mountConfigMap(join(this.root, 'coredns'), {
      'Corefile.base': text.replaceAll('__PORT__', String(port)),
    });
  }

  mountKubeDns(keys: Keys): void {
    mountConfigMap(join(this.root, 'kube-dns'), keys);
  }

  /** A Corefile that asks the stub domain's server for everything. */
  readonly forwardToStub = ({ dns }: DaemonPorts): string =>
    `.:${dns} {\n bind 127.0.0.1\n reload\n forward . ${this.stubServer}\n}\n`;

  get upstreamNameservers(): string {
    return JSON.stringify([`127.0.0.1:${this.upstream.port}`]);
  }

  /** Of one domain, beside the upstream. */
  stubDomains(domains: Record<string, readonly string[]>): Keys {
    return {
      stubDomains: JSON.stringify(domains),
      upstreamNameservers: this.upstreamNameservers,
    };
  }

  get stubServer(): string {
    return `127.0.0.1:${this.stub.port}`;
  }

  async addressOf(name: string): Promise<string | undefined> {
    const reply = await udpAsk(this.daemon.address, { name });
    return reply.data('A')[0] as string | undefined;
  }

  /** Resolves when the name is answered so. */
  whenServed(name: string, address: string): Promise<void> {
    return until(`${name} is ${address}`, async () => (await this.addressOf(name)) === address);
  }

  async #start(
    start: typeof startDaemon,
    t: TestContext,
    { template, kubeDns, args = [], environment = {}, corefile = '' }: NodeOptions,
  ): Promise<void> {
    this.mountKubeDns(kubeDns ?? { upstreamNameservers: this.upstreamNameservers });
    this.daemon = await start(t, {
      corefile,
      environment,
      args: (ports) => {
        if (template === undefined) mountConfigMap(join(this.root, 'coredns'), {});
        else this.mountTemplate(template, ports.dns);
        const base = ['-basecorefile', join(this.root, 'coredns/Corefile.base')];
        const kubeDnsPath = ['-kubednscm', join(this.root, 'kube-dns')];
        return [...base, ...kubeDnsPath, '-dns.port', `${ports.dns}`, ...args];
      },
    });
  }
}

suite('a template', { concurrency: true }, () => {
  test('is rendered, served, and followed: upstream servers, stub domains, the template itself', async (t) => {
    const node = await Node.set(t);
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
    const node = await Node.set(t);
    await node.start(t, {
      template: USUAL,
      kubeDns: { stubDomains: '{"acme', upstreamNameservers: node.upstreamNameservers },
    });
    await node.daemon.waitForLog(/refused: .*kube-dns\/stubDomains: expected JSON/);
    assert.equal(await node.addressOf('a.acme.local'), UPSTREAM_ADDRESS);
    node.mountKubeDns(node.stubDomains({ 'acme.local': [node.stubServer] }));
    await node.whenServed('b.acme.local', STUB_ADDRESS);
  });

  test('without reload a change is written, and served after a SIGUSR1', async (t) => {
    const node = await Node.set(t);
    await node.start(t, { template: template('') });
    node.mountKubeDns(node.stubDomains({ 'acme.local': [node.stubServer] }));
    await node.daemon.waitForLog(/without `reload` it is served after a SIGUSR1/);
    assert.match(readFileSync(node.daemon.corefilePath, 'utf8'), /\nacme\.local:/);
    assert.equal(await node.addressOf('a.acme.local'), UPSTREAM_ADDRESS);
    node.daemon.signal('SIGUSR1');
    await node.whenServed('b.acme.local', STUB_ADDRESS);
  });

  test('with -reloadwithsignal and without reload a change is served at once', async (t) => {
    const node = await Node.set(t);
    await node.start(t, { template: template(''), args: ['-reloadwithsignal'] });
    node.mountKubeDns(node.stubDomains({ 'acme.local': [node.stubServer] }));
    await node.whenServed('b.acme.local', STUB_ADDRESS);
  });

  test('without a template -conf is served as it stands, until there is one', async (t) => {
    const node = await Node.set(t);
    await node.start(t, { corefile: node.forwardToStub });
    assert.equal(await node.addressOf('a.example.org'), STUB_ADDRESS);
    node.mountTemplate(USUAL);
    await node.whenServed('b.example.org', UPSTREAM_ADDRESS);
  });

  test('a template that is wrong at the start ends it, with its place in the template', async (t) => {
    const node = await Node.set(t);
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
    const node = await Node.set(t);
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
      const node = await Node.set(t);
      await node.start(t, { template: block, environment, args });
      assert.match(
        readFileSync(node.daemon.corefilePath, 'utf8'),
        new RegExp(`forward \\. ${address} `),
      );
    }
  });

  test('a path that cannot be written: it is served from memory', async (t) => {
    const node = await Node.set(t);
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
