/**
 * A node made of network namespaces, for tests that run inside `runInNamespace`: this process's own namespace is the node's.
 *
 *     pod 10.244.0.2, fd00:244::2 --- node --- kube-dns 10.244.1.2, .3, fd00:244:1::2, ::3
 *                                      |
 *                        169.254.20.10, fd00:20::10 (ours), 10.96.0.10, fd00:96::a (the ClusterIP), on lo
 *
 * `us` answers on the node at those four addresses, `kube-dns` at its own; each answer names who gave it. What stands for
 * kube-proxy translates the ClusterIP to kube-dns. All of it ends with the namespaces.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { until } from '../../support/until.ts';
import type { Ask } from './peer-program.ts';

export const OWN = { 4: '169.254.20.10', 6: 'fd00:20::10' } as const;
export const CLUSTER_IP = { 4: '10.96.0.10', 6: 'fd00:96::a' } as const;
export const ENDPOINTS = {
  4: ['10.244.1.2', '10.244.1.3'],
  6: ['fd00:244:1::2', 'fd00:244:1::3'],
} as const;
export const POD = { 4: '10.244.0.2', 6: 'fd00:244::2' } as const;
export const ALL_ADDRESSES: readonly string[] = [OWN[4], CLUSTER_IP[4], OWN[6], CLUSTER_IP[6]];
export const FAMILIES = [4, 6] as const;

const PROGRAM = join(import.meta.dirname, 'peer-program.ts');
const ASK_TIMEOUT_MS = 10_000;

/** Runs a command in the node's namespace; its output. */
export function sh(command: string): string {
  return execFileSync('sh', ['-ec', command], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

interface Reply {
  text?: string;
  error?: string;
}

export interface Answer {
  /** `us` or `kube-dns`. */
  readonly by: string;
  /** Which of its addresses the query reached. */
  readonly at: string;
  /** Where the query came from, as whoever answered saw it. */
  readonly from: string;
}

/** A process in a namespace. */
export class Peer {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #lastId = 0;

  static async start(test: TestContext, command: readonly string[], args: string[]): Promise<Peer> {
    const child = spawn(command[0]!, [...command.slice(1), process.execPath, PROGRAM, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    test.after(() => child.kill('SIGKILL'));
    const peer = new Peer(child);
    await peer.#ready;
    return peer;
  }

  readonly #ready: Promise<void>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ready = new Promise((resolve) => {
      createInterface({ input: child.stdout! }).on('line', (line) => {
        const reply = JSON.parse(line) as Reply & { ready?: true; id: number };
        if (reply.ready) resolve();
        this.#waiting.get(reply.id)?.(reply);
        this.#waiting.delete(reply.id);
      });
    });
  }

  /** Rejects when nobody answered in time. */
  async ask(
    protocol: 'udp' | 'tcp',
    address: string,
    { socket, timeoutMs = ASK_TIMEOUT_MS }: { socket?: string; timeoutMs?: number } = {},
  ): Promise<Answer> {
    const id = ++this.#lastId;
    const ask: Ask = { id, protocol, address, text: `query-${id}.`, socket, timeoutMs };
    const reply = new Promise<Reply>((resolve) => {
      this.#waiting.set(id, resolve);
    });
    this.#child.stdin!.write(`${JSON.stringify(ask)}\n`);
    const { text, error } = await reply;
    if (text === undefined) throw new Error(`${protocol} ${address}: ${error}`);
    const [by, at, from] = text.split(' ');
    return { by: by!, at: at!, from: from! };
  }
}

export interface TestNode {
  readonly pod: Peer;
  readonly host: Peer;
  readonly us: Peer;
}

/** Builds it; the namespace of the caller must be one of its own. */
export async function startNode(test: TestContext): Promise<TestNode> {
  // A lock of its own for iptables-legacy, as it has on a node.
  sh('mount -t tmpfs tmpfs /run');
  for (const family of ['ipv4/ip_forward', 'ipv6/conf/all/forwarding']) {
    writeFileSync(`/proc/sys/net/${family}`, '1');
  }
  for (const address of ALL_ADDRESSES) {
    const bits = address.includes(':') ? '128 nodad' : '32';
    sh(`ip address add ${address}/${bits} dev lo`);
  }
  const pod = await startNamespace(test, 'pod', '10.244.0', 'fd00:244:');
  const kubeDns = await startNamespace(test, 'dns', '10.244.1', 'fd00:244:1:');
  sh(`nsenter -t ${kubeDns} -n sh -ec '
    ip address add ${ENDPOINTS[4][1]}/24 dev eth0
    ip address add ${ENDPOINTS[6][1]}/64 dev eth0 nodad'`);
  const enter = (pid: number) => ['nsenter', '-t', String(pid), '-n'];
  const endpoints = [...ENDPOINTS[4], ...ENDPOINTS[6]];
  await Peer.start(test, enter(kubeDns), ['kube-dns', ...endpoints]);
  const node = {
    pod: await Peer.start(test, enter(pod), ['pod']),
    host: await Peer.start(test, ['env'], ['host']),
    us: await Peer.start(test, ['env'], ['us', ...ALL_ADDRESSES]),
  };
  // Links need a moment before IPv6 neighbours are found.
  for (const address of [...endpoints, ...ALL_ADDRESSES]) {
    await until(`${address} answers`, () => node.pod.ask('udp', address, { timeoutMs: 200 }));
  }
  return node;
}

/** A network namespace with one interface toward the node, which is its gateway; the process that holds it. */
async function startNamespace(
  test: TestContext,
  name: string,
  prefix4: string,
  prefix6: string,
): Promise<number> {
  const holder = spawn('unshare', ['--net', 'sh', '-c', 'echo ready; exec sleep 600'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  test.after(() => holder.kill('SIGKILL'));
  await once(holder.stdout, 'data');
  const enter = `nsenter -t ${holder.pid} -n`;
  sh(`
    ip link add to-${name} type veth peer name eth0 netns ${holder.pid}
    ip address add ${prefix4}.1/24 dev to-${name}
    ip address add ${prefix6}:1/64 dev to-${name} nodad
    ip link set to-${name} up
    ${enter} sh -ec '
      ip link set lo up
      ip address add ${prefix4}.2/24 dev eth0
      ip address add ${prefix6}:2/64 dev eth0 nodad
      ip link set eth0 up
      ip route add default via ${prefix4}.1
      ip route add default via ${prefix6}:1'`);
  return holder.pid!;
}

export type KubeProxyMode = 'iptables-nft' | 'iptables-legacy' | 'nftables';

/** Translates the ClusterIPs to the first endpoint, and masquerades what comes from no pod, as kube-proxy does. */
export function startKubeProxy(mode: KubeProxyMode): void {
  for (const family of FAMILIES) {
    if (mode === 'nftables') startNftKubeProxy(family);
    else startIptablesKubeProxy(family, mode);
  }
}

function startIptablesKubeProxy(family: 4 | 6, mode: 'iptables-nft' | 'iptables-legacy'): void {
  const iptables = `${family === 6 ? mode.replace('ip', 'ip6') : mode} -w 5 -t nat`;
  const endpoint = family === 6 ? `[${ENDPOINTS[6][0]}]` : ENDPOINTS[4][0];
  const pods = family === 6 ? 'fd00:244::/32' : '10.244.0.0/16';
  const commands = ['tcp', 'udp'].flatMap((protocol) => {
    const match = `-d ${CLUSTER_IP[family]} -p ${protocol} --dport 53`;
    return [
      `-A KUBE-SERVICES ${match} ! -s ${pods} -j MARK --set-mark 0x4000`,
      `-A KUBE-SERVICES ${match} -j DNAT --to-destination ${endpoint}:53`,
    ];
  });
  const all = [
    '-N KUBE-SERVICES',
    ...commands,
    '-A PREROUTING -j KUBE-SERVICES',
    '-A OUTPUT -j KUBE-SERVICES',
    '-A POSTROUTING -m mark --mark 0x4000 -j MASQUERADE',
  ];
  sh(all.map((command) => `${iptables} ${command}`).join('\n'));
}

function startNftKubeProxy(family: 4 | 6): void {
  const ip = family === 6 ? 'ip6' : 'ip';
  const pods = family === 6 ? 'fd00:244::/32' : '10.244.0.0/16';
  const endpoint = family === 6 ? `[${ENDPOINTS[6][0]}]` : ENDPOINTS[4][0];
  const translate = `
    ${ip} daddr ${CLUSTER_IP[family]} meta l4proto { tcp, udp } th dport 53 ${ip} saddr != ${pods} meta mark set 0x4000
    ${ip} daddr ${CLUSTER_IP[family]} tcp dport 53 dnat to ${endpoint}:53
    ${ip} daddr ${CLUSTER_IP[family]} udp dport 53 dnat to ${endpoint}:53`;
  const text = `table ${ip} kube-proxy {
  chain nat-prerouting {
    type nat hook prerouting priority -100
    ${translate}
  }
  chain nat-output {
    type nat hook output priority -100
    ${translate}
  }
  chain nat-postrouting {
    type nat hook postrouting priority 100
    meta mark 0x4000 masquerade
  }
}
`;
  execFileSync('nft', ['-f', '-'], { input: text });
}
