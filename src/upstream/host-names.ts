/**
 * Host names in TO: resolved at start through `resolver`'s servers or the system, and again every half minute, so that a
 * changed record is followed without a reload. A failed look-up keeps the addresses known so far.
 */
import { isIP } from 'node:net';
import type { UpstreamContext } from './context.ts';
import type { Endpoint } from './options.ts';
import { Timer, type TimerTarget } from './timer-wheel.ts';

const REFRESH_MS = 30_000;
const RETRY_MS = 2000;
/** CoreDNS's bound on TO, kept for what names resolve to. */
const ADDRESSES_MAX = 15;
const QUERY_TIMEOUT_MS = 1000;

export class HostNames implements TimerTarget {
  readonly #context: UpstreamContext;
  readonly #changed: (endpoints: readonly Endpoint[]) => void;
  readonly #timer = new Timer(this);
  /** Addresses by name, as last found. */
  readonly #found = new Map<string, readonly string[]>();
  #isClosed = false;
  readonly names: readonly string[];

  constructor(context: UpstreamContext, changed: (endpoints: readonly Endpoint[]) => void) {
    this.#context = context;
    this.#changed = changed;
    this.names = context.options.to.map(({ host }) => host).filter((host) => isIP(host) === 0);
  }

  /** TO with each name replaced by its addresses so far; none for a name without. */
  get addresses(): readonly Endpoint[] {
    const endpoints = this.#context.options.to.flatMap((endpoint) => {
      const { host } = endpoint;
      if (isIP(host) !== 0) return [endpoint];
      const serverName = endpoint.serverName ?? (endpoint.transport === 'dns' ? undefined : host);
      const found = this.#found.get(host) ?? [];
      return found.map((address) => ({ ...endpoint, host: address, serverName }));
    });
    return endpoints.slice(0, ADDRESSES_MAX);
  }

  /** Resolves after the first look-up of every name, whether it found anything or not. */
  start(): Promise<void> {
    return this.names.length === 0 ? Promise.resolve() : this.#refresh();
  }

  timerExpired(): void {
    void this.#refresh();
  }

  close(): void {
    this.#isClosed = true;
    this.#context.wheel.cancel(this.#timer);
  }

  async #refresh(): Promise<void> {
    const before = JSON.stringify(this.addresses);
    const outcomes = await Promise.all(this.names.map((name) => this.#lookUp(name)));
    if (this.#isClosed) return;
    const addresses = this.addresses;
    if (JSON.stringify(addresses) !== before) this.#changed(addresses);
    const { wheel, clock } = this.#context;
    const delayMs = outcomes.every((isFound) => isFound) ? REFRESH_MS : RETRY_MS;
    wheel.schedule(this.#timer, clock.nowMs() + delayMs);
  }

  async #lookUp(name: string): Promise<boolean> {
    try {
      const addresses = await this.#resolve(name);
      // In one order, whichever way a server rotates them.
      this.#found.set(name, addresses.sort());
      return true;
    } catch (error) {
      this.#context.log.warn(`resolving ${name}: ${(error as Error).message}`);
      return false;
    }
  }

  async #resolve(name: string): Promise<string[]> {
    const dns = process.getBuiltinModule('node:dns').promises;
    const { resolvers } = this.#context.options;
    if (resolvers.length === 0) {
      const found = await dns.lookup(name, { all: true });
      return found.map(({ address }) => address);
    }
    const resolver = new dns.Resolver({ timeout: QUERY_TIMEOUT_MS, tries: 2 });
    resolver.setServers(resolvers);
    const families = [resolver.resolve4(name), resolver.resolve6(name)];
    const outcomes = await Promise.allSettled(families);
    const found = outcomes.flatMap((outcome) =>
      outcome.status === 'fulfilled' ? outcome.value : [],
    );
    // With no address at all, the error of the first family says why.
    return found.length > 0 ? found : await families[0]!;
  }
}
