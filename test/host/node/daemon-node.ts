/**
 * A node for tests of the whole daemon, inside `runInNamespace`: this process's own namespace is the node's host network, and
 * kube-dns (a dnsmasq of Debian's) is a pod behind a link of its own. What stands for kube-proxy translates the ClusterIP to it.
 *
 *     host network: the daemon, host-network clients --- pod 10.244.1.2: kube-dns
 *     169.254.20.10 (ours) and 10.96.0.10 (the ClusterIP): on lo while the daemon has put them there
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { type Daemon, type DaemonOptions, startDaemon } from '../../support/daemon.ts';
import { UdpClient, udpAsk } from '../../support/dns-client.ts';
import { until } from '../../support/until.ts';

export const OWN = '169.254.20.10';
export const OWN_IPV6 = 'fd00:90::a';
export const CLUSTER_IP = '10.96.0.10';
export const KUBE_DNS = '10.244.1.2';
/** Of the Service kube-dns-upstream; there in IPVS mode only. */
export const UPSTREAM_IP = '10.96.0.99';
/** What carries the addresses that are ours: kernels without dummy devices have them on loopback. */
export const hasDummyDevices = can(
  'ip link add dummy-probe type dummy && ip link delete dummy-probe',
);
export const DEVICE = hasDummyDevices ? 'nodelocaldns' : 'lo';
/** What kube-dns knows; all else below the cluster's domain does not exist. */
export const NAME = 'known.cluster.local';
export const DATA = ['192.0.2.53'];

const DNS_PORT = 53;
const ENDPOINTS_NAME = 'kube-dns-endpoints.kube-system.svc.cluster.local';

/** Runs a command in the node's namespace; its output. */
export function sh(command: string): string {
  return execFileSync('sh', ['-ec', command], { encoding: 'utf8' });
}

/** Whether this kernel, and what is installed, can do it; tried in a namespace that ends with it. */
export function can(command: string): boolean {
  return spawnSync('unshare', ['--net', 'sh', '-ec', command], { stdio: 'ignore' }).status === 0;
}

/** Of loopback, and of our own device where it is there. */
export function addressesOfNode(): string {
  return sh(`for device in lo nodelocaldns; do
    ! ip link show $device >/dev/null 2>&1 || ip -o address show dev $device
  done`);
}

/**
 * Addresses and rules, to be compared with what they were. Tables of iptables that are empty are left out: who follows a killed
 * daemon cannot know whose they are.
 */
export function stateOfNode(): { readonly addresses: string; readonly rules: string } {
  const addresses = addressesOfNode().replace(/\s+valid_lft.*$/gm, '');
  const rules = sh(
    'iptables-save | grep "^-A"; ip6tables-save | grep "^-A" || true; nft list tables 2>&1 | grep zerohop || true',
  );
  return { addresses, rules };
}

export class KubeDns {
  readonly #enter: readonly string[];
  /** Keeps its namespace. */
  readonly #holder: ChildProcess;
  #server: ChildProcess | undefined;

  private constructor(enter: readonly string[], holder: ChildProcess) {
    this.#enter = enter;
    this.#holder = holder;
  }

  /** Builds the pod, and what leads to it; once in a namespace. */
  static async start(kubeProxy: 'iptables' | 'ipvs' = 'iptables'): Promise<KubeDns> {
    // A lock of its own for iptables, as it has on a node.
    sh('mount -t tmpfs tmpfs /run; echo 1 > /proc/sys/net/ipv4/ip_forward');
    const holder = spawn('unshare', ['--net', 'sh', '-c', 'echo ready; exec sleep 600'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(holder.stdout, 'data');
    const enter = ['nsenter', '-t', String(holder.pid), '-n'];
    sh(`
      ip link add to-dns type veth peer name eth0 netns ${holder.pid}
      ip address add 10.244.1.1/24 dev to-dns
      ip link set to-dns up
      ip route add default via ${KUBE_DNS}
      ${enter.join(' ')} sh -ec '
        ip link set lo up
        ip address add ${KUBE_DNS}/24 dev eth0
        ip link set eth0 up'`);
    if (kubeProxy === 'ipvs') balanceClusterIps();
    else translateClusterIp();
    const kubeDns = new KubeDns(enter, holder);
    await kubeDns.serve();
    return kubeDns;
  }

  async serve(): Promise<void> {
    const [command, ...args] = [
      ...this.#enter,
      'dnsmasq',
      '--keep-in-foreground',
      '--conf-file=/dev/null',
      '--pid-file=',
      '--user=root',
      '--no-resolv',
      '--no-hosts',
      '--local=/cluster.local/',
      '--local=/invalid/',
      `--host-record=${NAME},${DATA[0]}`,
      `--host-record=${ENDPOINTS_NAME},${KUBE_DNS}`,
    ];
    this.#server = spawn(command!, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    const server = { host: KUBE_DNS, port: DNS_PORT };
    await until('kube-dns answers', () => udpAsk(server, { name: NAME }, { timeoutMs: 200 }));
  }

  stop(): void {
    this.#server?.kill('SIGKILL');
  }

  close(): void {
    this.stop();
    this.#holder.kill('SIGKILL');
  }
}

/** As kube-proxy's iptables mode does, with masquerading of what comes from no pod. */
function translateClusterIp(): void {
  const rules = ['tcp', 'udp'].flatMap((protocol) => {
    const match = `-d ${CLUSTER_IP} -p ${protocol} --dport ${DNS_PORT}`;
    return [
      `-A KUBE-SERVICES ${match} ! -s 10.244.0.0/16 -j MARK --set-mark 0x4000`,
      `-A KUBE-SERVICES ${match} -j DNAT --to-destination ${KUBE_DNS}:${DNS_PORT}`,
    ];
  });
  const all = [
    '-N KUBE-SERVICES',
    ...rules,
    '-A PREROUTING -j KUBE-SERVICES',
    '-A OUTPUT -j KUBE-SERVICES',
    '-A POSTROUTING -m mark --mark 0x4000 -j MASQUERADE',
  ];
  sh(all.map((rule) => `iptables-nft -w 5 -t nat ${rule}`).join('\n'));
}

/** As kube-proxy's IPVS mode does: its device holds the ClusterIPs, the kernel's load balancer leads on. */
function balanceClusterIps(): void {
  const services = [CLUSTER_IP, UPSTREAM_IP].flatMap((address) => [
    `ip address add ${address}/32 dev kube-ipvs0`,
    ...['-t', '-u'].flatMap((protocol) => [
      `ipvsadm -A ${protocol} ${address}:${DNS_PORT} -s rr`,
      `ipvsadm -a ${protocol} ${address}:${DNS_PORT} -r ${KUBE_DNS}:${DNS_PORT} -m`,
    ]),
  ]);
  sh(`
    ip link add kube-ipvs0 type dummy
    ${services.join('\n')}
    echo 1 > /proc/sys/net/ipv4/vs/conntrack
    iptables-nft -w 5 -t nat -A OUTPUT -d 10.96.0.0/12 -j MARK --set-mark 0x4000
    iptables-nft -w 5 -t nat -A POSTROUTING -m mark --mark 0x4000 -j MASQUERADE`);
}

/** The daemon with stock arguments and a Corefile like the stock one. */
export function startOnNode(
  test: TestContext,
  options: Partial<DaemonOptions> = {},
): Promise<Daemon> {
  return startDaemon(test, {
    corefile: ({ health, prometheus }) => `cluster.local:53 {
      errors
      cache 30
      bind ${OWN} ${CLUSTER_IP}
      forward . ${KUBE_DNS}
      prometheus 127.0.0.1:${prometheus}
      health 127.0.0.1:${health}
    }
    .:53 {
      errors
      cache 30
      bind ${OWN} ${CLUSTER_IP}
      forward . ${KUBE_DNS}
    }`,
    dnsPort: DNS_PORT,
    ...options,
    args: [
      ...['-localip', `${OWN},${CLUSTER_IP}`, '-setupinterface=true', '-setupiptables=true'],
      ...['-control-socket', ''],
      ...(typeof options.args === 'function' ? [] : (options.args ?? [])),
    ],
  });
}

/** Resolves when pods' queries come to this daemon. */
export async function intercepting(daemon: Daemon): Promise<void> {
  await daemon.waitForLog(/^\[INFO\] interception: \S+: 169/, 20_000);
}

/** Queries over UDP that the daemon has answered at the ClusterIP. */
export async function answeredByUs(daemon: Daemon): Promise<number> {
  const scrape = await daemon.scrape();
  return scrape.sum('coredns_dns_requests_total', { server: `dns://${CLUSTER_IP}:53` });
}

/** A host-network client that asks every few milliseconds, from a socket that it keeps and from new ones in turn. */
export class SteadyClient {
  #isAsking = true;
  #asked = 0;
  readonly #lost: string[] = [];
  readonly #done: Promise<void>;

  private constructor(host: string) {
    this.#done = this.#run(host);
  }

  static start(test: TestContext, host: string): SteadyClient {
    const client = new SteadyClient(host);
    test.after(() => client.stop());
    return client;
  }

  get asked(): number {
    return this.#asked;
  }

  /** Stops and gives what was not answered. */
  async stop(): Promise<readonly string[]> {
    this.#isAsking = false;
    await this.#done;
    return this.#lost;
  }

  async #run(host: string): Promise<void> {
    const server = { host, port: DNS_PORT };
    const kept = await UdpClient.open(server);
    const pending = new Set<Promise<void>>();
    while (this.#isAsking) {
      const number = ++this.#asked;
      const ask = number % 2 === 0 ? kept.ask({ name: NAME }) : udpAsk(server, { name: NAME });
      const asked = ask
        .then(
          (reply) => {
            if (reply.data('A').join() !== DATA.join())
              this.#lost.push(`${number}: ${reply.rcode}`);
          },
          (error) => this.#lost.push(`${number}: ${error.message}`),
        )
        .then(() => {
          pending.delete(asked);
        });
      pending.add(asked);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await Promise.all(pending);
    await kept.close();
  }
}
