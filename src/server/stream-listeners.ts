/**
 * The listening TCP sockets of a responder: one an address, as for UDP. They are the responder's to close, since whoever waits in the
 * kernel to be accepted would be reset: it takes those first.
 */
import type { Epoll } from '../os/epoll.ts';
import { OS } from '../os/libc.ts';
import { ACCEPT, type StreamSockets } from '../os/stream-socket.ts';
import type { TcpLimits } from './tcp-limits.ts';

/** Tokens of epoll; below them are the indexes of UDP sockets. */
export const TOKEN = {
  EVENT_FD: 1 << 26,
  TICK: 1 << 27,
  LISTENER: 1 << 28,
  CONNECTION: 1 << 29,
} as const;
/** Connections accepted in a row; the others have their turn after those who ask. */
const ACCEPTS_MAX = 64;

export interface StreamListener {
  readonly fd: number;
  /** Never given twice in a process. */
  readonly id: number;
  /** Its number in the plan. */
  readonly listener: number;
  /** Of the connections that are accepted from now on. */
  readonly limits: TcpLimits;
}

/** A connection that has been accepted; the peer's address is the sockets'. */
export type AcceptHandler = (fd: number, listener: StreamListener) => void;

export class StreamListeners {
  readonly #epoll: Epoll;
  readonly #sockets: StreamSockets;
  readonly #onAccept: AcceptHandler;
  #listeners = new Map<number, StreamListener>();
  /** Not asked until descriptors are left again. */
  readonly #paused = new Set<number>();

  constructor(epoll: Epoll, sockets: StreamSockets, onAccept: AcceptHandler) {
    this.#epoll = epoll;
    this.#sockets = sockets;
    this.#onAccept = onAccept;
  }

  get hasPaused(): boolean {
    return this.#paused.size > 0;
  }

  /** Listens at these from now on; closes the others, once nobody waits there. */
  set(listeners: readonly StreamListener[]): void {
    const before = this.#listeners;
    this.#listeners = new Map(listeners.map((listener) => [listener.id, listener]));
    for (const [id, listener] of before) if (!this.#listeners.has(id)) this.#close(listener);
    for (const [id, { fd }] of this.#listeners) {
      if (!before.has(id)) this.#epoll.add(fd, OS.EPOLLIN, TOKEN.LISTENER | id);
    }
  }

  accept(id: number): void {
    const listener = this.#listeners.get(id);
    if (listener !== undefined) this.#acceptFrom(listener);
  }

  /** Asks all again. */
  resume(): void {
    for (const id of this.#paused) {
      const listener = this.#listeners.get(id);
      if (listener) this.#epoll.change(listener.fd, OS.EPOLLIN, TOKEN.LISTENER | id);
    }
    this.#paused.clear();
  }

  #close(listener: StreamListener): void {
    this.#acceptFrom(listener);
    this.#paused.delete(listener.id);
    // Another process may hold the same socket: closing it would not take it out.
    this.#epoll.remove(listener.fd);
    this.#sockets.close(listener.fd);
  }

  #acceptFrom(listener: StreamListener): void {
    for (let count = 0; count < ACCEPTS_MAX; count++) {
      const fd = this.#sockets.accept(listener.fd);
      if (fd === ACCEPT.NONE) return;
      if (fd === ACCEPT.EXHAUSTED) {
        this.#pause(listener);
        return;
      }
      this.#onAccept(fd, listener);
    }
  }

  /** The kernel would say again and again that somebody waits. */
  #pause({ id, fd }: StreamListener): void {
    if (!this.#listeners.has(id)) return;
    this.#epoll.change(fd, 0, TOKEN.LISTENER | id);
    this.#paused.add(id);
  }
}
