/**
 * Clients over TCP (RFC 7766) through node:net: one listener an address, many queries on a connection, each answered when it is ready, in
 * whatever order. Listeners are opened here or adopted by descriptor.
 */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../base/clock.ts';
import { FairShare } from '../base/fair-share.ts';
import { hostPort } from '../base/ip-address.ts';
import type { Log } from '../base/log.ts';
import { isAddressMissing } from '../os/udp-socket.ts';
import type { AdoptedSockets } from './adopted-sockets.ts';
import { type ArrivalHandler, bindHosts, type Listener } from './client.ts';
import { connectionsMax } from './connections-max.ts';
import { TcpConnection } from './tcp-connection.ts';
import { type LimitsOf, TCP_BACKLOG, type TcpLimits } from './tcp-limits.ts';

export interface TcpServiceOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly adopted: AdoptedSockets;
  readonly onArrival: ArrivalHandler;
}

export class TcpService {
  readonly #options: TcpServiceOptions;
  readonly #servers = new Map<number, Server[]>();
  readonly #connections = new Set<TcpConnection>();
  readonly #limits = new Map<number, TcpLimits>();
  /** By the client's address. */
  readonly shares = new FairShare(connectionsMax());
  /** Connections that we ended: after their last reply, or by force as that took too long. */
  readonly endings = { finished: 0, cutOff: 0 };

  constructor(options: TcpServiceOptions) {
    this.#options = options;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Serves exactly these listeners; rejects with the system's error where an address cannot be bound, and changes nothing. */
  async serve(listeners: readonly Listener[], limitsOf: LimitsOf): Promise<void> {
    const opened = new Map<number, Server[]>();
    try {
      for (const listener of listeners) {
        if (!this.#servers.has(listener.id)) opened.set(listener.id, await this.#open(listener));
      }
    } catch (error) {
      for (const server of [...opened.values()].flat()) server.close();
      throw error;
    }
    for (const [id, servers] of opened) this.#servers.set(id, servers);
    for (const listener of listeners) this.#limits.set(listener.id, limitsOf(listener));
    const wanted = new Set(listeners.map(({ id }) => id));
    for (const [id, servers] of this.#servers) {
      if (wanted.has(id)) continue;
      this.#servers.delete(id);
      for (const server of servers) server.close();
      for (const connection of this.#connections) {
        if (connection.listener === id) void this.#end(connection);
      }
    }
  }

  /**
   * Takes no more connections; those that are open end with FIN once what they asked is answered. Whoever waits in the kernel to be
   * accepted would be reset: between two turns of the loop lies a look at what waits there.
   */
  async close(graceMs: number): Promise<void> {
    await nextTurn();
    for (const server of [...this.#servers.values()].flat()) server.close();
    this.#servers.clear();
    const before = { ...this.endings };
    const ended = [...this.#connections].map((connection) => this.#end(connection));
    const late = setTimeout(() => {
      for (const connection of this.#connections) connection.cutOff();
    }, graceMs);
    await Promise.all(ended);
    clearTimeout(late);
    if (ended.length === 0) return;
    const { finished, cutOff } = this.endings;
    const how = `${finished - before.finished} ended, ${cutOff - before.cutOff} cut off`;
    this.#options.log.info(`TCP connections of clients: ${how}`);
  }

  async #end(connection: TcpConnection): Promise<void> {
    await connection.end();
    this.endings[connection.isCutOff ? 'cutOff' : 'finished'] += 1;
  }

  async #open(listener: Listener): Promise<Server[]> {
    const hosts = bindHosts(listener);
    const servers: Server[] = [];
    for (const host of hosts) {
      try {
        servers.push(await this.#listen(listener, host));
      } catch (error) {
        if (hosts.length > 1 && isAddressMissing(error)) continue;
        for (const server of servers) server.close();
        throw error;
      }
    }
    return servers;
  }

  async #listen(listener: Listener, host: string): Promise<Server> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.#accept(socket, listener),
    );
    const fd = this.#options.adopted.take('tcp', host, listener.port);
    const listening = once(server, 'listening');
    if (fd !== undefined) server.listen({ fd });
    else {
      const { port } = listener;
      server.listen({ host, port, reusePort: true, ipv6Only: true, backlog: TCP_BACKLOG });
    }
    await listening;
    const where = hostPort(host, listener.port);
    server.on('error', (error) => this.#options.log.error(`${where}/tcp: ${error.message}`));
    return server;
  }

  #accept(socket: Socket, listener: Listener): void {
    const source = socket.remoteAddress ?? '';
    if (!this.shares.take(source)) {
      socket.resetAndDestroy();
      return;
    }
    const connection = new TcpConnection(socket, {
      listener: listener.id,
      limits: this.#limits.get(listener.id)!,
      clock: this.#options.clock,
      onArrival: this.#options.onArrival,
      onClosed: () => {
        this.shares.giveBack(source);
        this.#connections.delete(connection);
      },
    });
    this.#connections.add(connection);
  }
}
