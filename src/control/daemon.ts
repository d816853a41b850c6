/**
 * The daemon: makes the parts once, starts the first configuration, takes over later ones, ends. It decides nothing about
 * processes: exit codes and signals are main.ts's.
 */
import { systemClock } from '../base/clock.ts';
import { heartbeat } from '../base/heartbeat.ts';
import { setClusterDomains } from '../base/host-header.ts';
import type { HashSeed } from '../cache/key.ts';
import { CacheMemory } from '../cache/memory.ts';
import { CacheStore } from '../cache/store.ts';
import { ErrorLog } from '../directives/error-log.ts';
import { Labels } from '../directives/labels.ts';
import { LoopDetector } from '../directives/loop-detector.ts';
import { QueryLog } from '../directives/query-log.ts';
import type { HostPort, Observer } from '../directives/resolution.ts';
import type { ServerConfig } from '../directives/server-config.ts';
import { CounterRows } from '../metrics/counter-rows.ts';
import { Metrics } from '../metrics/metrics.ts';
import type { Libc } from '../os/libc.ts';
import { randomUint } from '../os/random.ts';
import type { AdoptedSockets } from '../server/adopted-sockets.ts';
import { Answerer } from '../server/answer.ts';
import type { Arrival } from '../server/client.ts';
import type { ClientService } from '../server/client-service.ts';
import { PortableService } from '../server/portable-service.ts';
import { Replies } from '../server/replies.ts';
import { Resolver } from '../server/resolver.ts';
import { ResponderService } from '../server/responder-service.ts';
import { endAhead } from '../server/responder-worker.ts';
import { Forward } from '../upstream/forward.ts';
import { Watch } from '../watch/watch.ts';
import { MESSAGE_SIZE_MAX, rcodeName } from '../wire/registry.ts';
import { BlockLookUp } from './block-look-up.ts';
import { collect, collectPlugins, type Sources } from './collect.ts';
import type { Configuration } from './configuration.ts';
import type { DaemonOptions } from './daemon-options.ts';
import { Endpoints } from './endpoints.ts';
import { type Generation, GenerationBuilder } from './generation.ts';
import { loopText, probeForLoop } from './loop-probe.ts';
import { Servers } from './servers.ts';
import { type Sizing, sizeMemory } from './sizing.ts';
import { chooseBackend } from './udp-backend.ts';
import { observeUpstreams } from './upstream-metrics.ts';
import { REVISION, VERSION } from './version.ts';

/**
 * So often shared counters are folded (a 32-bit sum of octets must not wrap twice) and old entries are swept. An idle process pays for
 * each time; for whoever looks, the figures are brought up to date at once.
 */
const HOUSEKEEPING_S = 2;
/** A sweep sees every slot that was ever used once in so many rounds, a minute: 0.6 ms each where all of 393,216 are in use. */
const SWEEP_ROUNDS = 30;
/** Answers under way may take so long when the daemon ends; CoreDNS gives its servers as much. */
export const DRAIN_MS = 5000;

export class Daemon {
  readonly metrics: Metrics;
  readonly resolver: Resolver;
  readonly clients: ClientService;
  readonly sources: Sources;
  readonly watch: Watch;
  /** Threads; 0 with node:dgram. */
  readonly responderCount: number;
  readonly #options: DaemonOptions;
  readonly #store: CacheStore;
  readonly #builder: GenerationBuilder;
  readonly #servers: Servers;
  readonly #endpoints: Endpoints;
  readonly #blockLookUp: BlockLookUp;
  readonly #stopHousekeeping: () => void;
  #errorLogs: ErrorLog[] = [];
  #stopProbes: (() => void)[] = [];
  #refreshCount = 0;

  /** Starts with a configuration; rejects where something cannot be opened, and everything is closed then. */
  static async start(configuration: Configuration, options: DaemonOptions): Promise<Daemon> {
    const daemon = new Daemon(configuration, options);
    try {
      await daemon.serve(configuration);
      return daemon;
    } catch (error) {
      await daemon.close();
      throw error;
    }
  }

  private constructor(configuration: Configuration, options: DaemonOptions) {
    const { log } = options;
    const libc = chooseBackend(options.udpBackend, log);
    const responderCount = libc ? options.responderCount : 0;
    this.responderCount = responderCount;
    const sizing = sizeMemory(configuration.servers, options.cacheBytes, responderCount + 1);
    const memory = CacheMemory.create(sizing.plan);
    const counters = memory.words.subarray(memory.countersAt);
    const rows = new CounterRows(counters, sizing.rowCount, sizing.plan.readerCount);
    this.#options = options;
    this.metrics = new Metrics(rows, { version: VERSION, revision: REVISION });
    this.#store = new CacheStore(memory);
    const hashSeed = { low: randomUint(4) | 0, high: randomUint(4) | 0 };
    this.resolver = this.#createResolver(memory, sizing, responderCount, hashSeed);
    const { adopted } = options;
    const shared = { libc, memory, sizing, responderCount, hashSeed, adopted };
    this.clients = this.#createClients(shared);
    const { resolver, clients } = this;
    this.watch = new Watch({
      clock: systemClock,
      log,
      families: this.metrics.families,
      rows,
      rings: () => this.clients.samples,
      others: () => ({
        coalesced: this.resolver.inFlight.coalescedCount,
        refreshes: this.#refreshCount,
        own: options.ownQueries,
      }),
      slowMs: options.slowMs,
    });
    this.#blockLookUp = new BlockLookUp(log);
    this.#builder = this.#createBuilder(rows);
    const store = this.#store;
    const onOpening = options.onOpening ?? (() => {});
    this.#servers = new Servers({ clock: systemClock, store, clients, resolver, onOpening });
    this.#endpoints = new Endpoints(this.metrics, log, {
      ...options,
      statusPages: options.statusPages(this),
    });
    this.sources = { store, resolver, clients, logLosses: log.losses };
    this.metrics.collect = () => {
      const { generation } = this.#servers;
      options.collectMore?.(this.metrics.families);
      if (generation) collect(this.metrics.families, this.sources, generation);
    };
    this.#stopHousekeeping = heartbeat.every(HOUSEKEEPING_S, () => this.#keepHouse());
  }

  get generation(): Generation | undefined {
    return this.#servers.generation;
  }

  /** Goes on with this configuration; rejects where it cannot be served, and goes on as before then. */
  async serve(configuration: Configuration): Promise<void> {
    const errorLogs = this.#errorLogs;
    this.#errorLogs = [];
    try {
      const endpoints = await this.#endpoints.serve(configuration.servers);
      try {
        const generation = this.#builder.build(configuration.servers, this.generation);
        await this.#servers.serve(generation);
        this.#takeOver(configuration, generation);
      } catch (error) {
        endpoints.undo();
        throw error;
      }
      endpoints.commit();
      for (const errorLog of errorLogs) errorLog.close();
    } catch (error) {
      for (const errorLog of this.#errorLogs) errorLog.close();
      this.#errorLogs = errorLogs;
      throw error;
    }
  }

  /** The longest `lameduck` of the blocks, in milliseconds: how long to go on serving after the order to stop. */
  get lameduckMs(): number {
    const blocks = this.generation?.blocks ?? [];
    return Math.max(0, ...blocks.map(({ config }) => config.health?.lameduckMs ?? 0));
  }

  /** Answers what is under way, within `graceMs`, and closes everything. */
  async close(graceMs = DRAIN_MS): Promise<void> {
    this.#stopHousekeeping();
    this.watch.close();
    for (const stop of this.#stopProbes) stop();
    await this.#servers.close(graceMs);
    await this.#endpoints.close();
    for (const errorLog of this.#errorLogs) errorLog.close();
  }

  #takeOver(configuration: Configuration, generation: Generation): void {
    for (const warning of configuration.warnings) this.#options.log.warn(warning);
    this.metrics.retainRows(new Set(generation.labels.keys()));
    collectPlugins(this.metrics.families, generation);
    this.#blockLookUp.serve(generation);
    this.#responseCells.clear();
    setClusterDomains(configuration.servers.flatMap(({ zones }) => zones.map(({ zone }) => zone)));
    this.#options.log.setLevel(configuration.servers.some(({ debug }) => debug) ? 'debug' : 'info');
    for (const stop of this.#stopProbes) stop();
    this.#stopProbes = generation.blocks.flatMap(({ block, listeners }) =>
      block.parts.loop ? [probeForLoop(block.parts.loop, listeners[0]!)] : [],
    );
  }

  #keepHouse(): void {
    this.watch.refresh();
    const count = Math.ceil(this.#store.touchedSlotCount / SWEEP_ROUNDS);
    this.#store.sweep(systemClock.nowMs(), count);
  }

  #createResolver(
    memory: CacheMemory,
    { rowCount, inFlight }: Sizing,
    reader: number,
    hashSeed: HashSeed,
  ): Resolver {
    const { log } = this.#options;
    const { families } = this.metrics;
    const answerer = (isStream: boolean) =>
      new Answerer(memory, {
        reader,
        rowCount,
        hashSeed,
        bufferSize: MESSAGE_SIZE_MAX,
        batchMax: 1,
        isStream,
        answersIndirect: true,
      });
    const localOf = (id: number): HostPort => {
      const listener = this.generation?.listeners.find((other) => other.id === id);
      return { host: listener?.host ?? '', port: listener?.port ?? 0 };
    };
    return new Resolver({
      clock: systemClock,
      store: this.#store,
      hashSeed,
      inFlight,
      udpAnswerer: answerer(false),
      tcpAnswerer: answerer(true),
      replies: new Replies({
        memory,
        rowCount,
        writer: reader,
        nowMs: () => systemClock.nowMs(),
        log,
        countResponse: (row, rcode, by) => this.#countResponse(row, rcode, by),
        onPanic: () => {
          families.panics.cell().value += 1;
        },
        localOf,
      }),
      localOf,
      onRefresh: (block) => this.#countRefresh(block),
    });
  }

  #createClients(shared: {
    libc: Libc | undefined;
    memory: CacheMemory;
    sizing: Sizing;
    responderCount: number;
    hashSeed: HashSeed;
    adopted: AdoptedSockets;
  }): ClientService {
    const { libc, memory, sizing, responderCount, hashSeed, adopted } = shared;
    const { log } = this.#options;
    const { resolver } = this;
    if (libc === undefined) {
      endAhead();
      const handlers = { onArrival: this.#serveSeen, onIgnored: resolver.ignore };
      return new PortableService({ clock: systemClock, log, adopted, ...handlers });
    }
    return new ResponderService({
      libc,
      log,
      memory: memory.handle,
      responderCount,
      rowCount: sizing.rowCount,
      hashSeed,
      adopted,
      onArrival: resolver.serve,
      onStormArrival: this.#serveSeen,
      onStormBatch: resolver.countBatch,
      onIgnored: resolver.ignore,
      onDrained: resolver.refresh,
      onCrash: (error) => {
        this.metrics.families.responderRestarts.cell().value += 1;
        log.error(`a responder died and is started again: ${error.stack ?? error.message}`);
      },
    });
  }

  #createBuilder(rows: CounterRows): GenerationBuilder {
    const { log } = this.#options;
    const observer = observeUpstreams(this.metrics.families, (rcode, to) => {
      this.watch.figures.countAnswer(to);
      this.#options.onUpstreamAnswer(rcode);
    });
    return new GenerationBuilder({
      rows,
      interfaces: this.#options.interfaces,
      log,
      families: this.metrics.families,
      createForward: (options, config) => {
        const lookUp = this.#blockLookUp.lookUpFor(options, config);
        return new Forward(options, { clock: systemClock, log, observer, lookUp });
      },
      createObservers: (config) => this.#createObservers(config),
      createLoopDetector: ({ zones }) => {
        const { zone, port } = zones[0]!;
        return new LoopDetector(zone, (detector, peer) =>
          this.#options.onLoop(loopText(detector, peer, port)),
        );
      },
    });
  }

  #createObservers(config: ServerConfig): Observer[] {
    const { log } = this.#options;
    const observers: Observer[] = [this.watch.createObserver()];
    if (config.errors) {
      const errorLog = new ErrorLog(config.errors, log);
      this.#errorLogs.push(errorLog);
      observers.push(errorLog);
    }
    if (config.log.length > 0) {
      observers.push(new QueryLog(config.log, new Labels(config.metadata), log));
    }
    return observers;
  }

  /** What no responder has seen before the resolver. */
  readonly #serveSeen = (arrival: Arrival): void => {
    this.watch.asked.arrived(arrival);
    this.resolver.serve(arrival);
  };

  readonly #responseCells = new Map<string, { value: number }>();

  #countResponse(row: number, rcode: number, by: string): void {
    this.watch.figures.countForwarded(rcode);
    const key = `${row} ${rcode} ${by}`;
    let cell = this.#responseCells.get(key);
    if (cell === undefined) {
      const labels = this.generation?.labels.get(row);
      if (labels === undefined || !labels.isReported) return;
      const { server, zone } = labels;
      cell = this.metrics.families.dnsResponses.cell(server, zone, '', rcodeName(rcode), by);
      this.#responseCells.set(key, cell);
    }
    cell.value += 1;
  }

  #countRefresh(number: number): void {
    this.#refreshCount += 1;
    const block = this.generation?.blocks.find(({ block: { parts } }) => parts.number === number);
    if (block?.config.cache === undefined) return;
    const { label } = block.listeners[0]!;
    const zones = block.config.cache.zones.join(',');
    this.metrics.families.cachePrefetches.cell(label, zones, '').value += 1;
  }
}
