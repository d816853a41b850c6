/**
 * The HTTP endpoints that a configuration asks for: metrics at each `prometheus` address, health at each `health` address, and
 * node-cache's own metrics listener. One that two configurations both name stays open across a reload; a new one opens
 * before anything changes, and one that cannot open stops the change.
 */
import type { HttpEndpoint, ListenAddress, ListenFailure } from '../base/http-endpoint.ts';
import { parseListenAddress } from '../base/http-endpoint.ts';
import { hostPort } from '../base/ip-address.ts';
import type { Log } from '../base/log.ts';
import type { ServerConfig } from '../directives/server-config.ts';
import { openMetricsEndpoint } from '../metrics/endpoint.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { HealthEndpoint } from './health-endpoint.ts';

interface Closable {
  close(): Promise<void>;
}

export class Endpoints {
  readonly #metrics: Metrics;
  readonly #log: Log;
  readonly #ownAddress: string;
  #own: Promise<Closable | undefined> | undefined;
  /** By purpose and address. */
  #open = new Map<string, Closable>();

  /** `ownAddress`: of `-metrics-listen-address`. */
  constructor(metrics: Metrics, log: Log, ownAddress: string) {
    this.#metrics = metrics;
    this.#log = log;
    this.#ownAddress = ownAddress;
  }

  /**
   * Opens what these blocks name and is not open yet; rejects where one cannot open, and closes those it has just opened.
   * The returned function closes what they do not name; call it when the new configuration serves.
   */
  async serve(servers: readonly ServerConfig[]): Promise<{ commit: () => void; undo: () => void }> {
    this.#own ??= this.#openOwn();
    await this.#own;
    const wanted = new Map<string, () => Promise<Closable | ListenFailure>>();
    for (const { prometheus, health } of servers) {
      if (prometheus) wanted.set(...this.#metricsAt(prometheus.address));
      if (health) wanted.set(...this.#healthAt(health.address));
    }
    const opened = new Map<string, Closable>();
    const undo = () => closeAll(opened.values());
    for (const [key, open] of wanted) {
      if (this.#open.has(key)) continue;
      const endpoint = await open();
      if ('code' in endpoint) {
        undo();
        const { host, port } = endpoint.address;
        throw new Error(
          `${key}: cannot listen on ${hostPort(host, port)}: ${endpoint.cause.message}`,
        );
      }
      opened.set(key, endpoint);
    }
    const commit = () => {
      const before = this.#open;
      this.#open = new Map([...before, ...opened].filter(([key]) => wanted.has(key)));
      closeAll([...before].filter(([key]) => !wanted.has(key)).map(([, endpoint]) => endpoint));
    };
    return { commit, undo };
  }

  async close(): Promise<void> {
    const own = await this.#own;
    await Promise.all([...this.#open.values(), ...(own ? [own] : [])].map((open) => open.close()));
  }

  #metricsAt(address: ListenAddress): [string, () => Promise<HttpEndpoint | ListenFailure>] {
    const log = this.#log.plugin('prometheus');
    const open = () =>
      openMetricsEndpoint(address, this.#metrics, (error) => log.error(error.message));
    return [`prometheus ${hostPort(address.host, address.port)}`, open];
  }

  #healthAt(address: ListenAddress): [string, () => Promise<HealthEndpoint | ListenFailure>] {
    const open = () => HealthEndpoint.open([address], this.#metrics.families, this.#log);
    return [`health ${hostPort(address.host, address.port)}`, open];
  }

  /** As in node-cache, the daemon goes on without it where it cannot open. */
  async #openOwn(): Promise<Closable | undefined> {
    const address = parseListenAddress(this.#ownAddress);
    if (address === undefined) {
      this.#log.error(`-metrics-listen-address ${this.#ownAddress}: expected HOST:PORT`);
      return undefined;
    }
    const onError = (error: Error) => this.#log.error(error.message);
    const endpoint = await openMetricsEndpoint(address, this.#metrics, onError);
    if (!('code' in endpoint)) return endpoint;
    this.#log.error(`no metrics at ${this.#ownAddress}: ${endpoint.cause.message}`);
    return undefined;
  }
}

function closeAll(endpoints: Iterable<Closable>): void {
  for (const endpoint of endpoints) void endpoint.close();
}
