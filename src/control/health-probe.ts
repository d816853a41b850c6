/**
 * Our own request to a health endpoint, once a second, as CoreDNS makes it: how long it takes tells how busy the event loop
 * is. All go over one kept-alive connection; a new one each time would leave a socket in TIME_WAIT each second.
 *
 * A connection of node:net and a request that is a text: what comes is not read but for its being there. With node:http's client, which
 * parses and streams it, an idle process takes 0.36 ms of CPU more for each.
 */
import { connect, type Socket } from 'node:net';
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
/** Read at once; a larger response is read in several steps. */
const RESPONSE_ROOM = 1024;

export type HealthFamilies = Pick<Families, 'healthRequestDuration' | 'healthRequestFailures'>;

interface Failure {
  readonly reason: string;
  /** The other end closed a kept connection just when it was used again: no sign of ill health. */
  readonly isStaleConnection: boolean;
}

export class HealthProbe {
  readonly #url: string;
  readonly #address: ListenAddress;
  readonly #request: string;
  readonly #families: HealthFamilies;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #stopAsking: () => void;
  /** Kept while it is open. */
  #socket: Socket | undefined;
  /** Something has come on it. */
  #onData = () => {};
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
    this.#address = { host: host || '127.0.0.1', port };
    this.#request = `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
    this.#families = families;
    this.#log = log;
    this.#clock = clock;
    this.#stopAsking = heartbeat.every(PERIOD_MS / 1000, () => void this.#probe());
  }

  close(): void {
    this.#isClosed = true;
    this.#stopAsking();
    this.#socket?.destroy();
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
    const isKept = this.#socket !== undefined;
    this.#socket ??= this.#connect();
    const socket = this.#socket;
    const timer = setTimeout(() => {
      socket.destroy(new Error(`no response within ${durationText(TIMEOUT_MS)}`));
    }, TIMEOUT_MS);
    const fail = (error?: NodeJS.ErrnoException) => {
      const isReset = error === undefined || error.code === 'ECONNRESET' || error.code === 'EPIPE';
      const reason = error?.message ?? 'the connection was closed';
      resolve({ reason, isStaleConnection: isKept && isReset });
    };
    const onClose = () => fail();
    socket.on('error', fail).on('close', onClose);
    this.#onData = () => resolve(undefined);
    socket.write(this.#request);
    return promise.finally(() => {
      clearTimeout(timer);
      socket.off('error', fail).off('close', onClose);
    });
  }

  #connect(): Socket {
    const callback = () => {
      this.#onData();
      return true;
    };
    const onread = { buffer: new Uint8Array(RESPONSE_ROOM), callback };
    const socket = connect({ ...this.#address, onread });
    const forget = () => {
      if (this.#socket === socket) this.#socket = undefined;
    };
    // The end that the server makes of a connection that has been idle is no failure.
    return socket.unref().on('error', forget).on('close', forget).on('end', forget);
  }
}
