/**
 * Host names in TO: looked up at start, and again when their TTL has passed, so that a changed record is followed without a
 * reload. A look-up that finds nothing keeps the addresses known so far, and is tried again soon, then less often.
 */
import { isIP } from 'node:net';
import type { UpstreamContext } from './context.ts';
import { type HostLookUp, lookUpAt, systemLookUp } from './host-look-up.ts';
import type { Endpoint } from './options.ts';
import { Timer, type TimerTarget } from './timer-wheel.ts';

/** Where nobody says how long the addresses hold: the system's resolver tells no TTL. */
const UNKNOWN_TTL_MS = 30_000;
/** A TTL of 0 is for one use; a server for a stream of queries is looked up so often at most. */
const TTL_MIN_MS = 2000;
/** Whatever the TTL, a moved server is found within the hour. */
const TTL_MAX_MS = 3_600_000;
/** Doubled with each failure in a row, up to the time of an unknown TTL. */
const RETRY_MS = 2000;
/** CoreDNS's bound on TO, kept for what names resolve to. */
const ADDRESSES_MAX = 15;

interface HostName {
  readonly name: string;
  /** As last found. */
  addresses: readonly string[];
  dueAtMs: number;
  /** Look-ups in a row without an address. */
  failures: number;
}

export class HostNames implements TimerTarget {
  readonly #context: UpstreamContext;
  readonly #changed: (endpoints: readonly Endpoint[]) => void;
  readonly #lookUp: HostLookUp;
  readonly #timer = new Timer(this);
  readonly #hosts: ReadonlyMap<string, HostName>;
  #isClosed = false;
  /** No look-up of all names has ended yet. */
  isFirst: boolean;

  constructor(
    context: UpstreamContext,
    changed: (endpoints: readonly Endpoint[]) => void,
    lookUp: HostLookUp = systemLookUp,
  ) {
    const { to, resolvers } = context.options;
    this.#context = context;
    this.#changed = changed;
    this.#lookUp = resolvers.length > 0 ? lookUpAt(resolvers) : lookUp;
    const names = to.map(({ host }) => host).filter((host) => isIP(host) === 0);
    this.#hosts = new Map(
      names.map((name) => [name, { name, addresses: [], dueAtMs: 0, failures: 0 }]),
    );
    this.isFirst = this.#hosts.size > 0;
  }

  get names(): readonly string[] {
    return [...this.#hosts.keys()];
  }

  /** TO with each name replaced by its addresses so far; none for a name without. */
  get addresses(): readonly Endpoint[] {
    const endpoints = this.#context.options.to.flatMap((endpoint) => {
      const { host } = endpoint;
      const found = this.#hosts.get(host);
      if (found === undefined) return [endpoint];
      const serverName = endpoint.serverName ?? (endpoint.transport === 'dns' ? undefined : host);
      return found.addresses.map((address) => ({ ...endpoint, host: address, serverName }));
    });
    return endpoints.slice(0, ADDRESSES_MAX);
  }

  /** Looks up every name; resolves when each has been, whether it was found or not. */
  async start(): Promise<void> {
    await this.#refresh([...this.#hosts.values()]);
    this.isFirst = false;
  }

  timerExpired(nowMs: number): void {
    void this.#refresh([...this.#hosts.values()].filter(({ dueAtMs }) => dueAtMs <= nowMs));
  }

  close(): void {
    this.#isClosed = true;
    this.#context.wheel.cancel(this.#timer);
  }

  async #refresh(hosts: readonly HostName[]): Promise<void> {
    if (this.#hosts.size === 0) return;
    const before = JSON.stringify(this.addresses);
    await Promise.all(hosts.map((host) => this.#find(host)));
    if (this.#isClosed) return;
    const addresses = this.addresses;
    if (JSON.stringify(addresses) !== before) this.#changed(addresses);
    const dueAtMs = Math.min(...[...this.#hosts.values()].map((host) => host.dueAtMs));
    this.#context.wheel.schedule(this.#timer, dueAtMs);
  }

  async #find(host: HostName): Promise<void> {
    const { clock, log } = this.#context;
    const { name } = host;
    let waitMs: number;
    try {
      const { addresses, ttlS } = await this.#lookUp(name);
      if (host.failures > 0) log.info(`resolving ${name}: found again`);
      host.failures = 0;
      // In one order, whichever way a server rotates them.
      host.addresses = addresses.toSorted();
      const ttlMs = ttlS === undefined ? UNKNOWN_TTL_MS : ttlS * 1000;
      waitMs = Math.min(TTL_MAX_MS, Math.max(TTL_MIN_MS, ttlMs));
    } catch (error) {
      const kept = host.addresses.length > 0 ? `; ${host.addresses.join(' ')} until then` : '';
      if (host.failures === 0) {
        log.warn(`resolving ${name}: ${(error as Error).message}: tried again${kept}`);
      }
      waitMs = Math.min(UNKNOWN_TTL_MS, RETRY_MS * 2 ** host.failures);
      host.failures += 1;
    }
    host.dueAtMs = clock.nowMs() + waitMs;
  }
}
