/**
 * One server of a forward: its connections, its health, how long it takes. Who is asked and when is decided in
 * `exchange.ts`.
 */
import { isIPv6 } from 'node:net';
import { ConnectionSet } from './connection-set.ts';
import type { UpstreamContext } from './context.ts';
import { DohClient } from './doh.ts';
import type { Carriage } from './failure.ts';
import { HealthCheck, PROBE_TIMEOUT_MS, type ProbeCarrier } from './health-check.ts';
import { Latency } from './latency.ts';
import type { Endpoint } from './options.ts';
import { Silence } from './silence.ts';
import { createStreamDialer, type StreamDialer } from './stream-dialer.ts';
import { TcpConnection } from './tcp-connection.ts';
import { UdpSet } from './udp-set.ts';
import { UdpSocket } from './udp-socket.ts';
import type { Carrier, UpstreamQuery } from './upstream-query.ts';

export interface UpstreamSnapshot {
  readonly to: string;
  readonly healthy: boolean;
  /** Health checks in a row without an answer. */
  readonly fails: number;
  /** Streams; a DoH upstream counts none. */
  readonly connections: number;
  readonly udpSockets: number;
  /** Queries sent and not answered, the given up included while a stream still owes their reply. */
  readonly outstanding: number;
  readonly queued: number;
  readonly meanMs: number;
  readonly p95Ms: number;
  /** After how many queries it closes a stream; undefined: no limit is known. */
  readonly queryLimit: number | undefined;
}

/** Tells two endpoints apart; the same address may stand for two names of TLS. */
export function upstreamKey({ transport, host, port, serverName, path }: Endpoint): string {
  return [transport, host, port, serverName, path].join(' ');
}

export class Upstream {
  readonly #context: UpstreamContext;
  readonly #endpoint: Endpoint;
  readonly #dialer: StreamDialer;
  readonly #streams: ConnectionSet;
  readonly #datagrams: UdpSet;
  readonly #doh: DohClient | undefined;
  readonly key: string;
  readonly to: string;
  readonly health: HealthCheck;
  readonly latency = new Latency();
  readonly silence = new Silence();

  /** `endpoint.host` is an address. Throws where a certificate or key cannot be read. */
  constructor(context: UpstreamContext, endpoint: Endpoint) {
    const { host, port, transport } = endpoint;
    this.#context = context;
    this.#endpoint = endpoint;
    this.key = upstreamKey(endpoint);
    this.to = isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
    this.#dialer = createStreamDialer(endpoint, context.options);
    this.#streams = new ConnectionSet(context, this.#dialer, this.to);
    this.#datagrams = new UdpSet(context, endpoint, this.to);
    if (transport === 'https') this.#doh = new DohClient(context, endpoint, this.to);
    this.health = new HealthCheck(context, this.to, {
      openCarrier: () => this.#openProbeCarrier(),
      answered: (nowMs) => this.silence.heard(nowMs),
    });
  }

  /** What a query for it travels on: `wanted` where it speaks plain DNS. */
  carriage(wanted: 'udp' | 'tcp'): Carriage {
    const { transport } = this.#endpoint;
    return transport === 'dns' ? wanted : transport;
  }

  /** False where there is no room left. `shunned`: the carrier that the same question is late on. */
  carry(query: UpstreamQuery, carriage: Carriage, nowMs: number, shunned?: Carrier): boolean {
    if (this.#doh !== undefined) return this.#doh.carry(query, nowMs);
    if (carriage === 'udp') return this.#datagrams.carry(query, nowMs);
    return this.#streams.carry(query, nowMs, shunned);
  }

  /** A question asked then is late or lost: whether that is more than a slow name, a health check finds out. */
  unanswered(askedAtMs: number, nowMs: number): void {
    this.silence.unanswered(askedAtMs);
    if (this.silence.isSuspected) this.health.kick(nowMs);
  }

  snapshot(): UpstreamSnapshot {
    const streams = this.#streams.snapshot();
    const datagrams = this.#datagrams.snapshot();
    return {
      to: this.to,
      healthy: !this.health.isDown,
      fails: this.health.fails,
      connections: streams.connections,
      udpSockets: datagrams.sockets,
      outstanding: streams.outstanding + datagrams.outstanding + (this.#doh?.outstandingCount ?? 0),
      queued: streams.queued,
      meanMs: this.latency.meanMs,
      p95Ms: this.latency.p95Ms,
      queryLimit: streams.queryLimit,
    };
  }

  close(nowMs: number): void {
    this.health.close(nowMs);
    this.#streams.close(nowMs);
    this.#datagrams.close(nowMs);
    this.#doh?.close();
  }

  /** UDP, or TCP with `force_tcp`, or what the endpoint speaks: as CoreDNS's health checks. */
  #openProbeCarrier(): ProbeCarrier {
    const options = { ...this.#context.options, readTimeoutMs: PROBE_TIMEOUT_MS };
    const context = { ...this.#context, options };
    if (this.#endpoint.transport === 'https') {
      return new DohClient(context, this.#endpoint, this.to);
    }
    if (this.#endpoint.transport === 'dns' && options.protocol !== 'force_tcp') {
      return new UdpSocket(context, this.#endpoint, this.to, () => {});
    }
    return new TcpConnection(
      context,
      this.#dialer,
      this.to,
      { connectionFreed() {}, connectionClosed() {} },
      { allowance: Number.POSITIVE_INFINITY, retireAtMs: Number.POSITIVE_INFINITY },
    );
  }
}
