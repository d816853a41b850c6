/**
 * Zerohop on a node of the lab, as the stock manifest runs it: the four server blocks, host network, the node's resolv.conf.
 */
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Scrape } from '../support/prometheus-text.ts';
import { until } from '../support/until.ts';
import { Server } from './commands.ts';
import type { LabNode } from './lab.ts';
import { addNodeCacheRules } from './node-cache.ts';
import { KUBE_DNS, KUBE_DNS_UPSTREAM, LINK_LOCAL } from './topology.ts';

const ROOT = join(import.meta.dirname, '../..');
/** What the image starts. */
export const PROGRAM: readonly string[] = [process.execPath, join(ROOT, 'src/main.ts')];
export const ENVIRONMENT = { NODE_COMPILE_CACHE: join(tmpdir(), 'zerohop-compile-cache') } as const;

/** A look-up in kube-dns tells where to. */
export const STANDS_BY = /without us, queries to our own addresses go to/;

/** Several start at once, and share the machine's cores. */
const START_TIMEOUT_MS = 60_000;

/** Both families of the link-local address and of kube-dns: what kube-proxy's iptables mode takes. */
export const LOCAL_IPS = [LINK_LOCAL.v4, KUBE_DNS.v4, LINK_LOCAL.v6, KUBE_DNS.v6] as const;

export interface ZerohopOptions {
  readonly localIps?: readonly string[];
  /** Behind the usual flags; the last of a kind counts. */
  readonly args?: readonly string[];
  /** Who sets up addresses and rules: Zerohop, or the lab by commands, as node-cache would. */
  readonly setup?: 'own' | 'lab';
  /** Another file name for a second one on the same node, and other ports. */
  readonly instance?: number;
  /** Node's own flags. */
  readonly nodeFlags?: readonly string[];
}

/** Resolves when all servers serve. */
export async function startZerohop(node: LabNode, options: ZerohopOptions = {}): Promise<Zerohop> {
  const { setup = 'own', localIps = LOCAL_IPS, args = [] } = options;
  if (setup === 'lab') {
    await node.addLocalAddresses(localIps);
    await addNodeCacheRules(node, node.variant, localIps);
    const flags = ['-setupinterface=false', '-setupiptables=false', ...args];
    return startZerohop(node, { ...options, setup: 'own', args: flags });
  }
  const zerohop = new Zerohop(node, options);
  await zerohop.server.waitForLog(/^Zerohop-/, START_TIMEOUT_MS);
  return zerohop;
}

export class Zerohop {
  readonly node: LabNode;
  readonly server: Server;
  readonly #metricsPort: number;
  readonly #healthPort: number;
  readonly #healthAddress: string;

  /** Starts it and waits for nothing. */
  constructor(node: LabNode, options: ZerohopOptions) {
    const { localIps = LOCAL_IPS, args = [], instance = 0, nodeFlags = [] } = options;
    const corefile = join(node.folder, `Corefile-${node.number}-${instance}`);
    writeFileSync(corefile, stockCorefile(localIps, instance));
    this.node = node;
    this.#metricsPort = 9353 + instance;
    this.#healthPort = 8080 + instance;
    this.#healthAddress = localIps[0]!;
    const flags = ['-localip', localIps.join(','), '-conf', corefile];
    const own = ['-upstreamsvc', 'kube-dns-upstream', '-metrics-listen-address'];
    const command = [process.execPath, ...nodeFlags, join(ROOT, 'src/main.ts'), ...flags, ...own];
    this.server = new Server(
      [...node.enter, ...command, `127.0.0.1:${this.#metricsPort}`, ...args],
      {
        ...ENVIRONMENT,
        KUBE_DNS_UPSTREAM_SERVICE_HOST: KUBE_DNS_UPSTREAM.v4,
      },
    );
  }

  /** Resolves when it answers pods: bound, leased, its upstream has answered. */
  intercepts(): Promise<void> {
    return isReady(this.node, `${this.#healthAddress}:${this.#healthPort}`);
  }

  /** Resolves when the last of its rules stand, some time after `intercepts`: those that answer without it. */
  async standsBy(): Promise<void> {
    await this.server.waitForLog(STANDS_BY);
  }

  scrape(): Promise<Scrape> {
    return scrape(this.node, `127.0.0.1:${this.#metricsPort}`);
  }

  /** Resolves when it has answered so many more queries. */
  hasAnswered(count: number): Promise<void> {
    return hasAnswered(this.node, `127.0.0.1:${this.#metricsPort}`, count);
  }
}

export async function scrape(node: LabNode, metrics: string): Promise<Scrape> {
  const response = await httpGet(node, metrics, '/metrics');
  return new Scrape(response.slice(response.indexOf('\r\n\r\n') + 4));
}

/** Resolves when who serves these metrics, node-cache or Zerohop, has answered so many more queries. */
export async function hasAnswered(node: LabNode, metrics: string, count: number): Promise<void> {
  const answered = async () => (await scrape(node, metrics)).sum('coredns_dns_requests_total');
  const before = await answered();
  await until(`${count} queries`, async () => (await answered()) >= before + count);
}

/** Resolves when `/ready` says so. */
export async function isReady(node: LabNode, health: string): Promise<void> {
  await until('/ready', async () => / 200 /.test(await httpGet(node, health, '/ready')));
}

/** What a server on the node answers, head and body; bash, because it can speak from within the node's namespace. */
export async function httpGet(node: LabNode, hostPort: string, path: string): Promise<string> {
  const [host, port] = hostPort.split(':');
  const script = `exec 3<>/dev/tcp/${host}/${port}; printf 'GET ${path} HTTP/1.0\\r\\nHost: ${hostPort}\\r\\n\\r\\n' >&3; cat <&3`;
  return node.run(['bash', '-c', script]);
}

function stockCorefile(localIps: readonly string[], instance: number): string {
  const common = `errors
    reload
    loop
    bind ${localIps.join(' ')}
    prometheus :${9253 + instance * 10}`;
  const clusterDns = `forward . ${KUBE_DNS_UPSTREAM.v4} {
        force_tcp
    }`;
  return `cluster.local:53 {
    ${common}
    cache {
        success 9984 30
        denial 9984 5
    }
    ${clusterDns}
    health ${localIps[0]}:${8080 + instance}
}
in-addr.arpa:53 ip6.arpa:53 {
    ${common}
    cache 30
    ${clusterDns}
}
.:53 {
    ${common}
    cache 30
    forward . /etc/resolv.conf
}
`;
}
