/**
 * The UDP sockets to one upstream. Each query draws one of a few at random, and sockets are replaced after `expire` or a
 * number of queries, so that who wants to forge a reply must guess port and id (RFC 5452 §9.2). Opened when first drawn.
 */
import type { UpstreamContext } from './context.ts';
import type { Endpoint } from './options.ts';
import { randomBelow } from './random.ts';
import { UdpSocket } from './udp-socket.ts';
import type { UpstreamQuery } from './upstream-query.ts';

/** Three more bits to guess, for a few kilobytes each. */
const SOCKETS = 8;

export class UdpSet {
  readonly #context: UpstreamContext;
  readonly #endpoint: Endpoint;
  readonly #to: string;
  readonly #current: (UdpSocket | undefined)[] = new Array(SOCKETS).fill(undefined);
  /** The current ones, and those that wait for their last replies. */
  readonly #sockets = new Set<UdpSocket>();

  constructor(context: UpstreamContext, endpoint: Endpoint, to: string) {
    this.#context = context;
    this.#endpoint = endpoint;
    this.#to = to;
  }

  /** False where there is no room left. */
  carry(query: UpstreamQuery, nowMs: number): boolean {
    const first = randomBelow(this.#context.random, SOCKETS);
    for (let tried = 0; tried < SOCKETS; tried++) {
      const socket = this.#socketAt((first + tried) % SOCKETS);
      if (!socket.hasRoom()) continue;
      socket.carry(query, nowMs);
      return true;
    }
    this.#context.observer.overloaded(this.#to);
    return false;
  }

  snapshot() {
    let outstanding = 0;
    for (const socket of this.#sockets) outstanding += socket.outstandingCount;
    return { sockets: this.#sockets.size, outstanding };
  }

  /** Closes all sockets; what is outstanding is lost. */
  close(nowMs: number): void {
    for (const socket of this.#sockets) socket.close(nowMs);
  }

  #socketAt(index: number): UdpSocket {
    const { observer } = this.#context;
    const current = this.#current[index];
    if (current?.isCurrent === true) {
      observer.connectionReused(this.#to, 'udp');
      return current;
    }
    observer.connectionOpened(this.#to, 'udp');
    const socket = new UdpSocket(this.#context, this.#endpoint, this.#to, (closed) =>
      this.#sockets.delete(closed),
    );
    this.#sockets.add(socket);
    this.#current[index] = socket;
    return socket;
  }
}
