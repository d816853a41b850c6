/**
 * A laboratory: nodes with pods, two kube-dns replicas, a VPC's resolver, each in a network namespace of its own. README.md has
 * the drawing. Everything ends with the test, also with a failed one, and with the process.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CleanUp } from '../support/temporary-directory.ts';
import { type RunOptions, run, type Server } from './commands.ts';
import { startInOrderReplica, startUnboundReplica, startVpcResolver } from './dns-servers.ts';
import { buildFabric, numbered, roleOf, type Size } from './fabric.ts';
import { kubeProxySteps, type ProxyMode } from './kube-proxy.ts';
import { Namespaces } from './namespaces.ts';
import type { Variant } from './node-cache.ts';
import {
  type Addresses,
  NETWORK_GATEWAY,
  nodeAddresses,
  podAddresses,
  podResolvConf,
  REPLICAS,
  VPC_RESOLVER,
} from './topology.ts';
import {
  readVpcCounters,
  type SentPackets,
  VPC_COUNTERS_COMMAND,
  VPC_PACKETS_PER_S,
  vpcLimitRules,
} from './vpc-limit.ts';
import type { ZoneRecord } from './zones.ts';

export interface LabOptions extends Partial<Size> {
  readonly proxy?: ProxyMode;
  /** Unbound, or one of ours that serves each TCP connection strictly in order, as CoreDNS does. */
  readonly replicas?: 'unbound' | 'in-order';
  readonly vpcPacketsPerS?: number;
}

/** iptables-legacy's lock; a node has its own, as it has its own file system. */
const XTABLES_LOCK = '/run/xtables.lock';

/** A namespace, and how to run something in it. */
export class Place {
  readonly namespace: string;
  readonly addresses: Addresses;

  constructor(namespace: string, addresses: Addresses) {
    this.namespace = namespace;
    this.addresses = addresses;
  }

  /** The command in front of what shall run here. */
  get enter(): readonly string[] {
    return ['ip', 'netns', 'exec', this.namespace];
  }

  run(command: readonly string[], options?: RunOptions): Promise<string> {
    return run([...this.enter, ...command], options);
  }
}

export class Pod extends Place {
  readonly #writeResolvConf: (content: string) => void;

  constructor(namespaces: Namespaces, node: number, number: number) {
    const role = roleOf.pod(node, number);
    super(namespaces.nameOf(role), podAddresses(node, number));
    this.#writeResolvConf = (content) => namespaces.writeResolvConf(role, content);
  }

  /** For what starts from now on. The search path is a pod's, or the given one. */
  setResolver(server: string, search?: readonly string[]): void {
    this.#writeResolvConf(podResolvConf(server, search));
  }
}

export class LabNode extends Place {
  readonly number: number;
  readonly pods: readonly Pod[];
  /** For what runs on this node. */
  readonly folder: string;
  #proxy: ProxyMode = 'iptables';

  constructor(namespaces: Namespaces, number: number, podCount: number, folder: string) {
    super(namespaces.nameOf(roleOf.node(number)), nodeAddresses(number));
    this.number = number;
    this.folder = folder;
    this.pods = numbered(podCount).map((pod) => new Pod(namespaces, number, pod));
    writeFileSync(this.lockPath, '');
  }

  /** Of iptables, where kube-proxy's chains are. */
  get variant(): Variant {
    return this.#proxy === 'iptables-legacy' ? 'legacy' : 'nft';
  }

  get lockPath(): string {
    return join(this.folder, `xtables-${this.number}.lock`);
  }

  /** `ip netns exec` makes a mount namespace each time; the bind mount ends with it. */
  override get enter(): readonly string[] {
    const mount = `mount --bind "$1" ${XTABLES_LOCK} && shift && exec "$@"`;
    return [...super.enter, 'sh', '-c', mount, 'sh', this.lockPath];
  }

  /** The rules of kube-proxy; once for each node. */
  async setProxy(mode: ProxyMode): Promise<void> {
    this.#proxy = mode;
    for (const { command, input } of kubeProxySteps(mode)) await this.run(command, { input });
  }

  async addLocalAddresses(addresses: readonly string[]): Promise<void> {
    const lines = addresses.map((address) =>
      address.includes(':')
        ? `address add ${address}/128 dev lo nodad\n`
        : `address add ${address}/32 dev lo\n`,
    );
    await this.run(['ip', '-batch', '-'], { input: lines.join('') });
  }
}

export class Lab {
  readonly nodes: readonly LabNode[];
  readonly replicas: readonly Place[];
  readonly vpc: Place;
  readonly folder: string;
  readonly replicaServers: Server[] = [];
  readonly #namespaces: Namespaces;
  readonly #network: Place;
  readonly #options: Required<LabOptions>;

  /** Rejects where this machine cannot, and says what it lacks. */
  static async start(test: CleanUp, options: LabOptions = {}): Promise<Lab> {
    requireMachine();
    const lab = new Lab(options);
    test.after(() => lab.close());
    try {
      await lab.#start();
      return lab;
    } catch (error) {
      lab.close();
      throw error;
    }
  }

  private constructor(options: LabOptions) {
    this.#options = {
      nodes: 3,
      podsPerNode: 3,
      proxy: 'iptables',
      replicas: 'unbound',
      vpcPacketsPerS: VPC_PACKETS_PER_S,
      ...options,
    };
    this.#namespaces = new Namespaces();
    this.folder = mkdtempSync(join(tmpdir(), 'zerohop-lab-'));
    if (!existsSync(XTABLES_LOCK)) writeFileSync(XTABLES_LOCK, '');
    this.#network = new Place(this.#namespaces.nameOf(roleOf.network), NETWORK_GATEWAY);
    this.vpc = new Place(this.#namespaces.nameOf(roleOf.vpc), VPC_RESOLVER);
    this.replicas = REPLICAS.map((addresses, index) => {
      return new Place(this.#namespaces.nameOf(roleOf.replica(index + 1)), addresses);
    });
    const { nodes, podsPerNode } = this.#options;
    this.nodes = numbered(nodes).map(
      (node) => new LabNode(this.#namespaces, node, podsPerNode, this.folder),
    );
  }

  /** Everything that a node of this number holds. */
  node(number: number): LabNode {
    return this.nodes[number - 1]!;
  }

  async #start(): Promise<void> {
    await buildFabric(this.#namespaces, this.#options);
    const senders = [
      ...this.replicas.map((_, index) => roleOf.replica(index + 1)),
      ...this.nodes.map(({ number }) => roleOf.node(number)),
    ];
    const input = vpcLimitRules(senders, this.#options.vpcPacketsPerS);
    await this.#network.run(['nft', '-f', '-'], { input });
    await Promise.all(this.nodes.map((node) => node.setProxy(this.#options.proxy)));
    await startVpcResolver({ enter: this.vpc.enter, folder: this.folder });
    const start = this.#options.replicas === 'unbound' ? startUnboundReplica : startInOrderReplica;
    for (const replica of this.replicas) {
      const place = { enter: replica.enter, folder: this.folder };
      this.replicaServers.push(await start(place, replica.addresses));
    }
    await this.#meet();
  }

  /** The first packet of a way waits for neighbours, over IPv6 up to two seconds: no test is to take that for ours. */
  async #meet(): Promise<void> {
    const addresses = this.replicas.flatMap(({ addresses: { v4, v6 } }) => [v4, v6]);
    const dials = addresses.map((address) => `until : >/dev/tcp/${address}/53; do sleep 0.1; done`);
    const places = this.nodes.flatMap((node) => [node, ...node.pods]);
    const command = ['timeout', '20', 'bash', '-c', dials.join('; ')];
    await Promise.all(places.map((place) => place.run(command)));
  }

  /** Starts the replicas anew, with these records beside the usual; there is one all the time. */
  async changeZone(records: readonly ZoneRecord[]): Promise<void> {
    for (const [index, { enter, addresses }] of this.replicas.entries()) {
      await this.replicaServers[index]!.kill();
      const place = { enter, folder: this.folder };
      this.replicaServers[index] = await startUnboundReplica(place, addresses, records);
    }
  }

  /** What each interface on the network has sent: `dns1`, `dns2`, `n1`, ... */
  async sentPackets(): Promise<Map<string, SentPackets>> {
    return readVpcCounters(await this.#network.run(VPC_COUNTERS_COMMAND));
  }

  close(): void {
    this.#namespaces.remove();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Debian's package of each program. */
const PROGRAMS: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  nft: 'nftables',
  'iptables-restore': 'iptables',
  unbound: 'unbound',
  conntrack: 'conntrack',
  dig: 'bind9-dnsutils',
  cc: 'gcc',
};

/** Throws with all that is missing, in one line. */
function requireMachine(): void {
  const missing = Object.keys(PROGRAMS).filter((program) => !isInstalled(program));
  const lacks = missing.map((program) => `${program} (package ${PROGRAMS[program]})`);
  if (process.getuid?.() !== 0) lacks.unshift('root');
  if (lacks.length > 0)
    throw new Error(`this machine cannot run the lab: no ${lacks.join(', no ')}`);
}

function isInstalled(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0;
}
