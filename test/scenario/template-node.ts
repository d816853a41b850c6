/**
 * A node for scenarios of templates: a template and a kube-dns ConfigMap mounted as the kubelet does it, a daemon that renders
 * them, an upstream for everything, and the server of a stub domain.
 */
import { join } from 'node:path';
import type { TestContext } from 'node:test';
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
import { type Handler, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from './stage.ts';

export const UPSTREAM_ADDRESS = '192.0.2.1';
export const STUB_ADDRESS = '192.0.2.2';

/** A block for everything, below which stub domains appear. */
export function template(lines = 'reload'): string {
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

export const USUAL = template();

const answerAll: Handler = (query) => addresses(query, UPSTREAM_ADDRESS);

export interface NodeOptions {
  /** Undefined: its directory is there, and empty. */
  readonly template?: string;
  readonly kubeDns?: Keys;
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** What stands at `-conf` before the start. */
  readonly corefile?: DaemonOptions['corefile'];
}

/** A node with its two mounts, an upstream and the server of a stub domain. */
export class TemplateNode {
  readonly root: string;
  readonly upstream: ScriptedUpstream;
  readonly stub: ScriptedUpstream;
  daemon!: Daemon;

  private constructor(t: TestContext, upstream: ScriptedUpstream, stub: ScriptedUpstream) {
    this.root = temporaryDirectory(t);
    this.upstream = upstream;
    this.stub = stub;
  }

  static async set(t: TestContext, handler: Handler = answerAll): Promise<TemplateNode> {
    const upstream = await ScriptedUpstream.start(t, handler);
    const stub = await ScriptedUpstream.start(t, (query) => addresses(query, STUB_ADDRESS));
    return new TemplateNode(t, upstream, stub);
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
