/**
 * The daemon as part of its node: what is set up around it, in which order, and what it says of itself. `process.ts` calls this
 * before, at and after the start of the daemon, and at its end.
 *
 *   new          what privilege is missing; which backend of interception, while the daemon starts
 *   openSockets  sockets for the served addresses, then our own addresses
 *   attach       the daemon serves: endpoints tell of it; once an upstream is proven to answer, interception
 *   end          see ending.ts
 */
import { networkInterfaces } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '../base/clock.ts';
import { hostPort } from '../base/ip-address.ts';
import type { Log } from '../base/log.ts';
import type { ServerConfig } from '../directives/server-config.ts';
import { chooseInterception } from '../host/choice.ts';
import type { Interception } from '../host/interception.ts';
import { NodeLink } from '../host/link.ts';
import { isServedByOthers } from '../os/bound-sockets.ts';
import { type Libc, loadLibc } from '../os/libc.ts';
import { ProcFiles } from '../os/proc-files.ts';
import { type AdoptedSockets, adoptFromEnvironment } from '../server/adopted-sockets.ts';
import type { Daemon } from './daemon.ts';
import { EarlySockets, interfacesWith } from './early-sockets.ts';
import { FallbackService } from './fallback-service.ts';
import type { Flags } from './flags.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import { LinkKeeper } from './link-keeper.ts';
import {
  type Intercepting,
  NodeNetwork,
  type ServedAddresses,
  servedAddresses,
} from './node-network.ts';
import { warnOfMissingPrivileges, warnOfMissingRaw } from './privileges.ts';
import { RulesKeeper } from './rules-keeper.ts';
import { SetupErrors } from './setup-errors.ts';
import { Vitals } from './vitals.ts';

/** Between two tries to prove that an upstream answers: soon at the start, and not too often while kube-dns is away. */
const PROOF_RETRY_MIN_MS = 200;
const PROOF_RETRY_MAX_MS = 3000;
/** What stands in the way is logged at the first try and then every half minute. */
const PROOF_LOG_EVERY = 10;

export class Node {
  readonly setupErrors = new SetupErrors();
  readonly adopted: AdoptedSockets;
  readonly network: NodeNetwork;
  readonly vitals: Vitals;
  readonly #flags: Flags;
  readonly #log: Log;
  readonly #libc: Libc | undefined;
  readonly #interception: Promise<Intercepting> | undefined;
  #early: EarlySockets | undefined;
  #clients: Daemon['clients'] | undefined;
  #fallback: FallbackService | undefined;
  #isEnding = false;

  constructor(flags: Flags, log: Log) {
    const libc = loadLibc();
    const addresses = servedAddresses(flags.localIps);
    this.#flags = flags;
    this.#log = log;
    this.#libc = libc instanceof Error ? undefined : libc;
    warnOfMissingPrivileges(flags, log);
    this.adopted = adoptFromEnvironment(process.env, process.pid, libc);
    this.#interception = this.#createInterception(addresses);
    this.network = new NodeNetwork({
      addresses,
      link: this.#createLink(),
      interception: this.#interception,
      syncIntervalMs: flags.syncIntervalMs,
      skipTeardown: flags.skipTeardown,
      isShared: () => {
        const proc = new ProcFiles();
        return flags.localIps.some((address) => isServedByOthers(proc, address, flags.dnsPort));
      },
      log,
    });
    this.vitals = new Vitals({
      addresses: addresses.own,
      upstreamAgeMaxMs: flags.readyUpstreamMs,
      isLeased: () => this.network.isLeased,
    });
  }

  /** What of the node the daemon is told. */
  get daemonOptions() {
    const { setupInterface, interfaceName, localIps } = this.#flags;
    return {
      adopted: this.adopted,
      healthPages: this.vitals.pages,
      interfaces: () => {
        return setupInterface ? interfacesWith(interfaceName, localIps) : networkInterfaces();
      },
      onUpstreamAnswer: this.vitals.upstreamAnswered,
      ownQueries: this.vitals.ownQueries,
      onOpening: () => this.#early?.end(),
    };
  }

  /** Opens the sockets of the served addresses, then puts our own ones in place. */
  openSockets(servers: readonly ServerConfig[]): void {
    const { localIps, setupInterface, interfaceName, responderCount, udpBackend } = this.#flags;
    if (this.#libc !== undefined && setupInterface) {
      this.#early = new EarlySockets(this.adopted, {
        libc: this.#libc,
        addresses: localIps,
        interfaceName,
        socketCount: udpBackend === 'dgram' ? 1 : responderCount,
      });
      const shared = this.#early.open(servers).map(({ host, port }) => hostPort(host, port));
      if (shared.length > 0) {
        this.#log.info(`another process serves ${shared.join(', ')}: joining it when ready`);
      }
    }
    this.network.setUp();
  }

  /** The daemon serves. */
  attach(daemon: Daemon): void {
    this.#early?.close();
    for (const { fd, text, isHandedOver } of this.adopted.left()) {
      if (isHandedOver) this.#log.warn(`LISTEN_FDS: nothing listens on ${text}`);
      else this.#libc?.close(fd);
    }
    this.#clients = daemon.clients;
    this.vitals.attach(daemon);
    if (this.#interception !== undefined) void this.#intercept(this.#interception);
  }

  async withdraw(): Promise<void> {
    this.#isEnding = true;
    this.#fallback?.close();
    await this.network.withdraw();
  }

  async remove(): Promise<void> {
    this.vitals.close();
    await this.network.remove();
  }

  async #intercept(interception: Promise<Intercepting>): Promise<void> {
    for (let tries = 0; !this.#isEnding; tries++) {
      const doubt = await this.vitals.doubt();
      if (doubt === undefined) break;
      if (tries % PROOF_LOG_EVERY === 0) {
        this.#log.warn(`interception waits for an answer of an upstream: ${doubt}`);
      }
      const retryMs = Math.min(PROOF_RETRY_MIN_MS * (tries + 1), PROOF_RETRY_MAX_MS);
      await pause(retryMs, undefined, { ref: false });
    }
    if (this.#isEnding) return;
    await this.network.intercept();
    if (this.#flags.fallbackService === '' || this.#isEnding) return;
    const { rules } = await interception;
    this.#fallback = new FallbackService({
      names: () => fallbackNames(this.#flags.fallbackService, this.vitals.namedZones),
      ask: (question) => this.vitals.resolve(question),
      setFallback: (endpoints) => rules.rules.setFallback(endpoints),
      onFailure: (failure) => rules.tell(failure),
      log: this.#log,
    });
    await this.#fallback.start();
  }

  #createLink(): LinkKeeper | undefined {
    if (!this.#flags.setupInterface) return undefined;
    if (this.#libc === undefined) {
      this.#log.error('koffi cannot load here: the interface is not set up');
      this.setupErrors.count('interface_add');
      return undefined;
    }
    const link = new NodeLink({ libc: this.#libc, name: this.#flags.interfaceName });
    const { count } = this.setupErrors;
    return new LinkKeeper({ link, log: this.#log, clock: systemClock, count });
  }

  #createInterception(addresses: ServedAddresses): Promise<Intercepting> | undefined {
    const { setupIptables, interceptionBackend, fallbackService, ...flags } = this.#flags;
    if (!setupIptables || interceptionBackend === 'none') return undefined;
    const chosen = chooseInterception({
      backend: interceptionBackend,
      addresses: flags.localIps,
      standByAddresses: fallbackService === '' ? [] : addresses.own,
      dnsPort: flags.dnsPort,
      healthPort: flags.healthPort,
    });
    return chosen.then((interception) => this.#keepersOf(interception));
  }

  #keepersOf(interception: Interception): Intercepting {
    const log = this.#log;
    const { kind, reason } = interception;
    log.info(`interception: ${kind}: ${reason}`);
    warnOfMissingRaw(kind, log);
    const rules = new RulesKeeper({ rules: interception, log, count: this.setupErrors.count });
    const lease = new LeaseKeeper({
      rounds: () => this.#clients?.rounds ?? [],
      prompt: () => this.#clients?.prompt(),
      renew: () => interception.renew(),
      onFailure: (failure) => rules.tell(failure),
      log,
      clock: systemClock,
    });
    return { rules, lease };
  }
}

/** A name with its final dot is absolute; another one is looked for below the zones that the Corefile forwards by name. */
function fallbackNames(service: string, zones: readonly string[]): string[] {
  return service.endsWith('.') ? [service] : zones.map((zone) => `${service}.${zone}`);
}
