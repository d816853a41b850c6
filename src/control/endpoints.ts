/**
 * The HTTP endpoints that a configuration asks for: metrics at each `prometheus` address, health at each `health` address, and
 * node-cache's own metrics listener. One that two configurations both name stays open across a reload; a new one opens
 * before anything changes, and one that cannot open stops the change. With TLS it is new when its certificates are.
 */
import type { ListenAddress, ListenFailure, Pages } from '../base/http-endpoint.ts';
import { parseListenAddress } from '../base/http-endpoint.ts';
import { hostPort } from '../base/ip-address.ts';
import type { Log } from '../base/log.ts';
import { CorefileError } from '../corefile/ast.ts';
import type { PrometheusOptions } from '../directives/prometheus.ts';
import type { ServerConfig } from '../directives/server-config.ts';
import { openMetricsEndpoint } from '../metrics/endpoint.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { HealthEndpoint } from './health-endpoint.ts';
import { PprofEndpoint } from './pprof-endpoint.ts';
import { readWebConfig } from './web-config.ts';

interface Closable {
  close(): Promise<void>;
}

/** An endpoint that a configuration asks for. */
interface Wanted {
  /** Alike for two that can be one. */
  readonly key: string;
  /** The directive and the address. */
  readonly name: string;
  readonly open: () => Promise<Closable | ListenFailure>;
}

export interface EndpointsOptions {
  /** Of `-metrics-listen-address`. */
  readonly metricsAddress: string;
  /** Paths of each health endpoint. */
  readonly healthPages: Pages;
  /** Beside `/metrics`. */
  readonly statusPages: Pages;
}

export class Endpoints {
  readonly #metrics: Metrics;
  readonly #log: Log;
  readonly #options: EndpointsOptions;
  #own: Promise<Closable | undefined> | undefined;
  /** By key. */
  #open = new Map<string, Closable>();
  #hasWarnedOfRuntimeMetrics = false;

  constructor(metrics: Metrics, log: Log, options: EndpointsOptions) {
    this.#metrics = metrics;
    this.#log = log;
    this.#options = options;
  }

  /**
   * Opens what these blocks name and is not open yet; rejects where one cannot open, and closes those it has just opened.
   * The returned function closes what they do not name; call it when the new configuration serves.
   */
  async serve(servers: readonly ServerConfig[]): Promise<{ commit: () => void; undo: () => void }> {
    this.#own ??= this.#openOwn();
    await this.#own;
    const wanted = await this.#wantedBy(servers);
    const opened = new Map<string, Closable>();
    const undo = () => closeAll(opened.values());
    for (const { key, name, open } of wanted.values()) {
      if (this.#open.has(key)) continue;
      const endpoint = await open();
      if ('code' in endpoint) {
        undo();
        const { host, port } = endpoint.address;
        throw new Error(
          `${name}: cannot listen on ${hostPort(host, port)}: ${endpoint.cause.message}`,
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

  /** By key; rejects where a web configuration is wrong. */
  async #wantedBy(servers: readonly ServerConfig[]): Promise<Map<string, Wanted>> {
    const metrics = servers.flatMap(({ prometheus }) => prometheus ?? []);
    this.#warnOfRuntimeMetrics(metrics);
    const wanted: Wanted[] = [];
    for (const [name, options] of byAddress(metrics)) {
      wanted.push(await this.#metricsBy(name, options));
    }
    for (const { health, pprof } of servers) {
      if (health) wanted.push(this.#healthAt(health.address));
      if (pprof) wanted.push(this.#pprofAt(pprof.address));
    }
    return new Map(wanted.map((endpoint) => [endpoint.key, endpoint]));
  }

  /** Once, however often the configuration is taken over: CoreDNS's option is of the process too. */
  #warnOfRuntimeMetrics(metrics: readonly PrometheusOptions[]): void {
    const at = metrics.find(({ runtimeMetricsAt }) => runtimeMetricsAt)?.runtimeMetricsAt;
    if (at === undefined || this.#hasWarnedOfRuntimeMetrics) return;
    this.#hasWarnedOfRuntimeMetrics = true;
    this.#log.warn(
      `${at.file}:${at.line}:${at.column}: prometheus: runtime_metrics has no effect: there is no Go runtime to measure`,
    );
  }

  async #metricsBy(name: string, options: PrometheusOptions): Promise<Wanted> {
    const { address, tlsConfigFile } = options;
    const { statusPages } = this.#options;
    const log = this.#log.plugin('prometheus');
    const onError = (error: Error) => log.error(error.message);
    const web = tlsConfigFile && (await readWebConfig(tlsConfigFile));
    return {
      key: web ? `${name} ${web.digest}` : name,
      name,
      open: () => openMetricsEndpoint(address, this.#metrics, statusPages, onError, web?.tls),
    };
  }

  #pprofAt(address: ListenAddress): Wanted {
    const name = `pprof ${hostPort(address.host, address.port)}`;
    const log = this.#log.plugin('pprof');
    const open = () => PprofEndpoint.open(address, (error) => log.error(error.message));
    return { key: name, name, open };
  }

  #healthAt(address: ListenAddress): Wanted {
    const { healthPages } = this.#options;
    const name = `health ${hostPort(address.host, address.port)}`;
    const open = () =>
      HealthEndpoint.open([address], healthPages, this.#metrics.families, this.#log);
    return { key: name, name, open };
  }

  /** As in node-cache, the daemon goes on without it where it cannot open. */
  async #openOwn(): Promise<Closable | undefined> {
    const { metricsAddress, statusPages } = this.#options;
    const address = parseListenAddress(metricsAddress);
    if (address === undefined) {
      this.#log.error(`-metrics-listen-address ${metricsAddress}: expected HOST:PORT`);
      return undefined;
    }
    const onError = (error: Error) => this.#log.error(error.message);
    const endpoint = await openMetricsEndpoint(address, this.#metrics, statusPages, onError);
    if (!('code' in endpoint)) return endpoint;
    this.#log.error(`no metrics at ${metricsAddress}: ${endpoint.cause.message}`);
    return undefined;
  }
}

/** Blocks that name one address share its endpoint, so they must agree on TLS: the kernel would deal clients out to both. */
function byAddress(metrics: readonly PrometheusOptions[]): Map<string, PrometheusOptions> {
  const distinct = new Map<string, PrometheusOptions>();
  for (const options of metrics) {
    const { host, port } = options.address;
    const name = `prometheus ${hostPort(host, port)}`;
    const first = distinct.get(name) ?? options;
    if (first.tlsConfigFile?.text !== options.tlsConfigFile?.text) {
      const { at } = options.tlsConfigFile ?? first.tlsConfigFile!;
      const problem = `tls: expected the same in all blocks with ${hostPort(host, port)}`;
      throw new CorefileError(at, problem, 'prometheus');
    }
    distinct.set(name, first);
  }
  return distinct;
}

function closeAll(endpoints: Iterable<Closable>): void {
  for (const endpoint of endpoints) void endpoint.close();
}
