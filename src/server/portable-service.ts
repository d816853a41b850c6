/**
 * Clients through node:dgram and node:net, on the resolver's own thread: for machines where koffi cannot load, or by choice.
 * Slower; what it answers is made by the same code.
 */
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { AdoptedSockets } from './adopted-sockets.ts';
import type { ArrivalHandler, Listener } from './client.ts';
import type { ClientPlans, ClientService } from './client-service.ts';
import { DgramService } from './dgram-service.ts';
import type { ConnectionFigures } from './stream-table.ts';
import type { LimitsOf } from './tcp-limits.ts';
import { TcpService } from './tcp-service.ts';

export interface PortableServiceOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly adopted: AdoptedSockets;
  readonly onArrival: ArrivalHandler;
  /** A datagram came to this listener from where nobody can be answered. */
  readonly onIgnored: (listener: number) => void;
}

export class PortableService implements ClientService {
  readonly kind = 'dgram';
  readonly stormQueries = 0;
  readonly rounds = [];
  readonly samples = [];
  readonly #udp: DgramService;
  readonly #tcp: TcpService;
  #served: { listeners: readonly Listener[]; limitsOf: LimitsOf } | undefined;

  constructor(options: PortableServiceOptions) {
    this.#udp = new DgramService(options);
    this.#tcp = new TcpService(options);
  }

  get sendFailures(): number {
    return this.#udp.sendFailures;
  }

  get connections(): ConnectionFigures {
    const { connectionCount, shares, endings } = this.#tcp;
    return {
      open: connectionCount,
      refusedFull: shares.fullCount,
      refusedUnfair: shares.unfairCount,
      ...endings,
      repliesLost: 0,
    };
  }

  prompt(): void {}

  async ready(): Promise<void> {}

  /** The plans are the resolver's, who has them already. */
  async serve(
    listeners: readonly Listener[],
    _plans: ClientPlans,
    limitsOf: LimitsOf,
  ): Promise<void> {
    const before = this.#served ?? { listeners: [], limitsOf };
    const isNew = new Set(listeners);
    const both = [...listeners, ...before.listeners.filter((listener) => !isNew.has(listener))];
    try {
      await this.#tcp.serve(both, (listener) =>
        isNew.has(listener) ? limitsOf(listener) : before.limitsOf(listener),
      );
      await this.#udp.serve(listeners);
    } catch (error) {
      await this.#tcp.serve(before.listeners, before.limitsOf);
      throw error;
    }
    await this.#tcp.serve(listeners, limitsOf);
    this.#served = { listeners, limitsOf };
  }

  async close(graceMs: number, answered: (timeoutMs: number) => Promise<void>): Promise<void> {
    await Promise.all([this.#tcp.close(graceMs), this.#udp.close(() => answered(graceMs))]);
  }
}
