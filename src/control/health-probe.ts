/**
 * Our own request to a health endpoint, once a second, as CoreDNS makes it: how long it takes tells how busy the event loop
 * is. All go over one kept-alive connection; a new one each time would leave a socket in TIME_WAIT each second.
 */
import type { Agent, RequestOptions } from 'node:http';
import { type Clock, systemClock } from '../base/clock.ts';
import { durationText } from '../base/duration-text.ts';
import { heartbeat } from '../base/heartbeat.ts';
import type { ListenAddress } from '../base/http-endpoint.ts';
import { hostPort } from '../base/ip-address.ts';
import type { Log } from '../base/log.ts';
import type { Families } from '../metrics/families.ts';

/** CoreDNS's, as are the time-out and what it calls slow. */
export const PERIOD_MS = 1000;
export const TIMEOUT_MS = 3000;
const SLOW_MS = 1000;

export type HealthFamilies = Pick<Families, 'healthRequestDuration' | 'healthRequestFailures'>;

interface Failure {
  readonly reason: string;
  /** The other end closed a kept connection just when it was used again: no sign of ill health. */
  readonly isStaleConnection: boolean;
}

export class HealthProbe {
  readonly #url: string;
  readonly #request: RequestOptions;
  readonly #agent: Agent;
  readonly #families: HealthFamilies;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #stopAsking: () => void;
  #isAsking = false;
  #isClosed = false;

  /** Starts at once; the first request follows after a period. An empty host is asked at 127.0.0.1. */
  constructor(
    { host, port }: ListenAddress,
    path: string,
    families: HealthFamilies,
    log: Log,
    clock: Clock = systemClock,
  ) {
    this.#url = `http://${hostPort(host, port)}${path}`;
    this.#agent = new (process.getBuiltinModule('node:http').Agent)({
      keepAlive: true,
      maxSockets: 1,
    });
    this.#request = { host: host || '127.0.0.1', port, path, agent: this.#agent };
    this.#families = families;
    this.#log = log;
    this.#clock = clock;
    this.#stopAsking = heartbeat.every(PERIOD_MS / 1000, () => void this.#probe());
  }

  close(): void {
    this.#isClosed = true;
    this.#stopAsking();
    this.#agent.destroy();
  }

  async #probe(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const startedAtMs = this.#clock.nowMs();
    let failure = await this.#ask();
    // Go's client asks again, too.
    if (failure?.isStaleConnection && !this.#isClosed) failure = await this.#ask();
    this.#isAsking = false;
    if (!this.#isClosed) this.#record(this.#clock.nowMs() - startedAtMs, failure);
  }

  #record(elapsedMs: number, failure: Failure | undefined): void {
    this.#families.healthRequestDuration.cell().observe(elapsedMs / 1000);
    const what = `Local health request to "${this.#url}"`;
    if (failure !== undefined) {
      this.#families.healthRequestFailures.cell().value++;
      this.#log.warn(`${what} failed: ${failure.reason}`);
    } else if (elapsedMs > SLOW_MS) {
      this.#log.warn(`${what} took more than 1s: ${durationText(elapsedMs)}`);
    }
  }

  /** One request; any response is a good one. */
  #ask(): Promise<Failure | undefined> {
    const { promise, resolve } = Promise.withResolvers<Failure | undefined>();
    const request = process.getBuiltinModule('node:http').get(this.#request);
    const timer = setTimeout(() => {
      request.destroy(new Error(`no response within ${durationText(TIMEOUT_MS)}`));
    }, TIMEOUT_MS);
    request.on('response', (response) => {
      response.resume().on('close', () => resolve(undefined));
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      const isStaleConnection = request.reusedSocket && error.code === 'ECONNRESET';
      resolve({ reason: error.message, isStaleConnection });
    });
    return promise.finally(() => clearTimeout(timer));
  }
}
