/**
 * An upstream asked over HTTPS (RFC 8484), through undici, which is loaded with the first query. The id on the wire is 0
 * (RFC 8484 §4.1), for HTTP pairs request and response itself.
 */
import { Buffer } from 'node:buffer';
import { isIPv6 } from 'node:net';
import type { Pool } from 'undici';
import { setU16, u16 } from '../wire/octets.ts';
import { MESSAGE_SIZE_MAX } from '../wire/registry.ts';
import type { UpstreamContext } from './context.ts';
import type { Route, UpstreamFailure } from './failure.ts';
import { answers, isResponse } from './message.ts';
import type { Endpoint } from './options.ts';
import { tlsOptions } from './stream-dialer.ts';
import type { Carrier, UpstreamQuery } from './upstream-query.ts';

const MEDIA_TYPE = 'application/dns-message';
/** HTTP/2 carries a hundred requests a connection by default; two connections hide the loss of one. */
const CONNECTIONS_MAX = 2;
const OUTSTANDING_MAX = 1024;
const CONNECT_TIMEOUT_MS = 1000;

export class DohClient implements Carrier {
  readonly #context: UpstreamContext;
  readonly #endpoint: Endpoint;
  readonly route: Route;
  #pool: Promise<Pool> | undefined;
  outstandingCount = 0;

  constructor(context: UpstreamContext, endpoint: Endpoint, to: string) {
    this.#context = context;
    this.#endpoint = endpoint;
    this.route = { carriage: 'https', from: undefined, to };
  }

  /** False where too many requests are under way. */
  carry(query: UpstreamQuery, nowMs: number): boolean {
    if (this.outstandingCount === OUTSTANDING_MAX) {
      this.#context.observer.overloaded(this.route.to);
      return false;
    }
    query.carrier = this;
    query.sentAtMs = nowMs;
    this.outstandingCount++;
    void this.#exchange(query);
    return true;
  }

  abandon(query: UpstreamQuery): void {
    query.isAbandoned = true;
  }

  close(): void {
    void this.#pool?.then((pool) => pool.destroy());
  }

  async #exchange(query: UpstreamQuery): Promise<void> {
    const outcome = await this.#request(query).catch((error: Error) => this.#failureOf(error));
    this.outstandingCount--;
    if (query.isAbandoned) return;
    const nowMs = this.#context.clock.nowMs();
    if (outcome instanceof Uint8Array) query.sender.answered(query, outcome, nowMs);
    else query.sender.lost(query, outcome, false, nowMs);
  }

  async #request(query: UpstreamQuery): Promise<Uint8Array | UpstreamFailure> {
    this.#pool ??= this.#openPool();
    const pool = await this.#pool;
    const message = Buffer.from(query.message);
    setU16(message, 0, 0);
    const path = this.#endpoint.path ?? '/dns-query';
    const { observer, options } = this.#context;
    const response = await pool.request(
      options.dohMethod === 'GET'
        ? {
            method: 'GET',
            path: `${path}?dns=${message.toString('base64url')}`,
            headers: { accept: MEDIA_TYPE },
          }
        : {
            method: 'POST',
            path,
            body: message,
            headers: { accept: MEDIA_TYPE, 'content-type': MEDIA_TYPE },
          },
    );
    observer.segmentWritten(this.route.to, 1, message.length);
    if (response.statusCode !== 200) {
      await response.body.dump();
      return this.#socketFailure(`HTTP status ${response.statusCode}`);
    }
    const reply = new Uint8Array(await response.body.arrayBuffer());
    observer.segmentRead(this.route.to, 1, reply.length);
    const isAnswer = query.takesAnyResponse
      ? isResponse(reply)
      : u16(reply, 0) === 0 && answers(query.message, query.questionEnd, reply);
    if (!isAnswer) return { code: 'malformed', route: this.route };
    return reply;
  }

  async #openPool(): Promise<Pool> {
    const { Pool } = await import('undici');
    const { options } = this.#context;
    const { host, port, serverName } = this.#endpoint;
    const name = serverName ?? (isIPv6(host) ? `[${host}]` : host);
    return new Pool(`https://${name}:${port}`, {
      allowH2: true,
      connections: CONNECTIONS_MAX,
      headersTimeout: options.readTimeoutMs,
      bodyTimeout: options.readTimeoutMs,
      maxResponseSize: MESSAGE_SIZE_MAX,
      connect: {
        ...tlsOptions(this.#endpoint, options),
        timeout: CONNECT_TIMEOUT_MS,
        lookup: (_name, _options, found) =>
          found(null, [{ address: host, family: isIPv6(host) ? 6 : 4 }]),
      },
    });
  }

  #failureOf(error: Error): UpstreamFailure {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') {
      return { code: 'timeout', operation: 'read', route: this.route };
    }
    if (code === 'UND_ERR_CONNECT_TIMEOUT') {
      return { code: 'timeout', operation: 'dial', route: this.route };
    }
    return this.#socketFailure(error.message);
  }

  #socketFailure(detail: string): UpstreamFailure {
    return { code: 'socket', operation: 'read', route: this.route, detail };
  }
}
