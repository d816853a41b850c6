/**
 * One configuration at work: listeners, blocks and plans, made from the settings; what the settings before it had alike is taken
 * over. A block keeps its number, its cache entries and its connections where nothing changed that they depend on.
 */
import { hostPort } from '../base/ip-address.ts';
import { boundAddresses, type Interfaces } from '../directives/bind.ts';
import { checkOverlap } from '../directives/listener-overlap.ts';
import type { LoopDetector } from '../directives/loop-detector.ts';
import { isHandler } from '../directives/order.ts';
import type { Observer } from '../directives/resolution.ts';
import type { ServerConfig } from '../directives/server-config.ts';
import type { CounterRows, RowLabels } from '../metrics/counter-rows.ts';
import { Block } from '../server/block.ts';
import { type Listener, serverLabel } from '../server/client.ts';
import type { ListenerPlan, ResponderPlan, ZonePlan } from '../server/plan.ts';
import type { ResolverPlan } from '../server/resolver.ts';
import { labelOffsets, nameFromText } from '../wire/name.ts';
import { type Chain, type ChainDependencies, closeChain, createChain, UDP_SIZE } from './chain.ts';

/** Block numbers have 16 bits in cache keys. */
const BLOCK_NUMBERS = 65_536;

/** A server block with what it owns. */
export interface RunningBlock {
  readonly config: ServerConfig;
  /** Alike for two blocks whose cache entries are interchangeable. */
  readonly identity: string;
  /** Alike for two blocks whose stages are. */
  readonly chainIdentity: string;
  readonly block: Block;
  readonly chain: Chain;
  readonly listeners: readonly Listener[];
}

export interface Generation {
  readonly listeners: readonly Listener[];
  readonly blocks: readonly RunningBlock[];
  readonly plan: ResolverPlan;
  /** Of every row that the plans use. */
  readonly labels: ReadonlyMap<number, RowLabels>;
}

export interface GenerationDependencies extends ChainDependencies {
  readonly rows: CounterRows;
  /** What `bind` may name. */
  readonly interfaces: () => Interfaces;
  readonly createObservers: (config: ServerConfig) => Observer[];
  readonly createLoopDetector: (config: ServerConfig) => LoopDetector;
}

export class GenerationBuilder {
  readonly #deps: GenerationDependencies;
  readonly #listeners = new Map<string, Listener>();
  #nextListener = 0;
  #nextBlock = 1;

  constructor(deps: GenerationDependencies) {
    this.#deps = deps;
  }

  /** Throws a CorefileError where the blocks do not fit together, and another error where a certificate cannot be read. */
  build(servers: readonly ServerConfig[], before: Generation | undefined): Generation {
    const interfaces = this.#deps.interfaces();
    checkOverlap(servers, (bind) => boundAddresses(bind, interfaces));
    const blocks: RunningBlock[] = [];
    try {
      for (const config of servers) {
        const hosts = config.bind ? boundAddresses(config.bind, interfaces) : [''];
        const listeners = config.zones.flatMap(({ port }) =>
          hosts.map((host) => this.#listener(host, port)),
        );
        blocks.push(this.#block(config, [...new Set(listeners)], before));
      }
    } catch (error) {
      closeOwnChains(blocks, before);
      throw error;
    }
    return this.#assemble(blocks);
  }

  #listener(host: string, port: number): Listener {
    const address = hostPort(host, port);
    let listener = this.#listeners.get(address);
    if (listener === undefined) {
      listener = { id: this.#nextListener++, host, port, label: serverLabel(host, port) };
      this.#listeners.set(address, listener);
    }
    return listener;
  }

  #block(
    config: ServerConfig,
    listeners: readonly Listener[],
    before: Generation | undefined,
  ): RunningBlock {
    const identity = identityOf(config);
    const kept = before?.blocks.find((block) => block.identity === identity);
    const chainIdentity = chainIdentityOf(config, identity);
    const chain =
      before?.blocks.find((block) => block.chainIdentity === chainIdentity)?.chain ??
      createChain(config, this.#deps);
    const block = new Block({
      number: kept?.block.parts.number ?? this.#blockNumber(before),
      cache: config.cache,
      front: chain.front,
      stages: chain.stages,
      observers: [...this.#deps.createObservers(config), ...chain.taps],
      loop: config.loop && kept === undefined ? this.#deps.createLoopDetector(config) : undefined,
      isEmpty: !config.directives.some(isHandler),
    });
    return { config, identity, chainIdentity, block, chain, listeners };
  }

  #blockNumber(before: Generation | undefined): number {
    const taken = new Set(before?.blocks.map(({ block }) => block.parts.number));
    while (taken.has(this.#nextBlock)) this.#nextBlock = (this.#nextBlock + 1) % BLOCK_NUMBERS;
    const number = this.#nextBlock;
    this.#nextBlock = (this.#nextBlock + 1) % BLOCK_NUMBERS;
    return number;
  }

  #assemble(blocks: readonly RunningBlock[]): Generation {
    const listeners = [...new Set(blocks.flatMap((block) => block.listeners))];
    const labels = new Map<number, RowLabels>();
    const planFor = (protocol: 'udp' | 'tcp'): ResponderPlan => ({
      listeners: Object.fromEntries(
        listeners.map((listener) => [
          listener.id,
          this.#listenerPlan(listener, blocks, protocol, labels),
        ]),
      ),
    });
    const plan = {
      udp: planFor('udp'),
      tcp: planFor('tcp'),
      blocks: new Map(blocks.map(({ block }) => [block.parts.number, block])),
    };
    return { listeners, blocks, plan, labels };
  }

  #listenerPlan(
    listener: Listener,
    blocks: readonly RunningBlock[],
    protocol: 'udp' | 'tcp',
    labels: Map<number, RowLabels>,
  ): ListenerPlan {
    const openRow = (zone: string, config: ServerConfig | undefined): number => {
      const label: RowLabels = {
        server: listener.label,
        zone,
        protocol,
        family: listener.host.includes(':') ? 2 : 1,
        cacheZones: config?.cache?.zones.join(','),
        isReported: config === undefined || config.prometheus !== undefined,
      };
      const row = this.#deps.rows.open(label);
      if (row < this.#deps.rows.rowCount) labels.set(row, label);
      return row;
    };
    const droppedRow = openRow('dropped', undefined);
    const zones = blocks
      .filter((block) => block.listeners.includes(listener))
      .flatMap(({ config, block }) =>
        config.zones
          .filter(({ port }) => port === listener.port)
          .map(({ zone }) => zonePlan(zone, config, block, openRow(zone, config))),
      )
      .sort((left, right) => right.labelCount - left.labelCount);
    return { zones, droppedRow };
  }
}

function zonePlan(text: string, config: ServerConfig, { parts }: Block, row: number): ZonePlan {
  const zone = nameFromText(text)!;
  const hasFront = parts.front.length > 0;
  const isWatched = config.log.length > 0 || config.dnstap.length > 0;
  return {
    zone,
    labelCount: labelOffsets(zone).length - 1,
    block: parts.number,
    row,
    // What stands before `cache` in the chain and sees every reply takes it off the direct path.
    isDirect: config.cache !== undefined && !isWatched && !hasFront,
    hasFront,
    udpSizeMax: config.bufsize ?? UDP_SIZE,
    takesAnyClass: config.forward.length > 0,
  };
}

/**
 * Everything that a block's entries come from: all its settings but those of what stands before the cache or looks on, of the
 * process and of the endpoints. Only the addresses of `bind` count, not where they stand in the file.
 */
function identityOf(config: ServerConfig): string {
  const { canonical, debug, directives, errors, health, ...others } = config;
  const { log, loop, pprof, prometheus, reload, timeouts, ...chained } = others;
  const { dns64, dnstap, loadbalance, metadata, trace, ...rest } = chained;
  return JSON.stringify({
    ...rest,
    zones: rest.zones.map(({ zone, port }) => [zone, port]),
    bind: rest.bind?.map(({ to, except }) => [to.map(textOf), except.map(textOf)]),
  });
}

/** And what stands before the cache. */
function chainIdentityOf(config: ServerConfig, identity: string): string {
  const { dns64, dnstap, loadbalance, metadata, trace } = config;
  return JSON.stringify([identity, dns64, dnstap, loadbalance, metadata, trace]);
}

function textOf({ text }: { text: string }): string {
  return text;
}

/** Gives up the chains that only the first blocks have. */
export function closeOwnChains(
  blocks: readonly RunningBlock[],
  others: Generation | undefined,
): void {
  const kept = new Set(others?.blocks.map(({ chain }) => chain));
  for (const { chain } of blocks) if (!kept.has(chain)) closeChain(chain);
}
