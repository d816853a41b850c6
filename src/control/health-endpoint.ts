/**
 * The `health` directive at work: `/health` and `/ready` (vitals.ts) on each address that a server block names, while lame duck
 * too: whoever opened the endpoint closes it when the last query is answered. Each address is asked by ourselves once a
 * second (health-probe.ts).
 */
import { type Clock, systemClock } from '../base/clock.ts';
import {
  HttpEndpoint,
  type ListenAddress,
  type ListenFailure,
  type Pages,
} from '../base/http-endpoint.ts';
import { hostPort } from '../base/ip-address.ts';
import type { Log } from '../base/log.ts';
import { type HealthFamilies, HealthProbe } from './health-probe.ts';

/** The one that we ask, as CoreDNS does. */
const PROBED_PATH = '/health';

export class HealthEndpoint {
  /** The ports that are bound, in the order of the distinct addresses. */
  readonly ports: readonly number[];
  readonly #endpoints: readonly HttpEndpoint[];
  readonly #probes: readonly HealthProbe[];

  private constructor(endpoints: readonly HttpEndpoint[], probes: readonly HealthProbe[]) {
    this.ports = endpoints.map(({ port }) => port);
    this.#endpoints = endpoints;
    this.#probes = probes;
  }

  /** Listens on each address, once where some are equal: on all, or on none where one fails. */
  static async open(
    addresses: readonly ListenAddress[],
    pages: Pages,
    families: HealthFamilies,
    log: Log,
    clock: Clock = systemClock,
  ): Promise<HealthEndpoint | ListenFailure> {
    const healthLog = log.plugin('health');
    const onError = (error: Error) => healthLog.error(error.message);
    const endpoints: HttpEndpoint[] = [];
    const probes: HealthProbe[] = [];
    for (const address of distinct(addresses)) {
      const endpoint = await HttpEndpoint.open(address, pages, onError);
      if (!(endpoint instanceof HttpEndpoint)) {
        await new HealthEndpoint(endpoints, probes).close();
        return endpoint;
      }
      endpoints.push(endpoint);
      const target = { host: address.host, port: endpoint.port };
      probes.push(new HealthProbe(target, PROBED_PATH, families, healthLog, clock));
    }
    return new HealthEndpoint(endpoints, probes);
  }

  /** Closes sockets and connections; again and again is the same. */
  async close(): Promise<void> {
    for (const probe of this.#probes) probe.close();
    await Promise.all(this.#endpoints.map((endpoint) => endpoint.close()));
  }
}

function distinct(addresses: readonly ListenAddress[]): Iterable<ListenAddress> {
  return new Map(
    addresses.map((address) => [hostPort(address.host, address.port), address]),
  ).values();
}
