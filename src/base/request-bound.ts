/**
 * A bound on how long a client of an HTTP server may take to send a request. Node's own looks at all connections at intervals, whether
 * there are any or not, and each server would wake an idle process once a second; here nothing is done without a client.
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** From the start of a connection to its first request's head: what CoreDNS gives to read it. */
const FIRST_WITHIN_MS = 5000;
/** From the last response to the next request's head: as long without a word, after which Node ends the connection, and as long to read. */
const NEXT_WITHIN_MS = 10_000;

interface Connection {
  /** Requests whose response is not at its end. */
  underWay: number;
  timer: NodeJS.Timeout | undefined;
}

/** Ends connections on which no whole head of a request comes in time. `connected`: the event that tells of one. */
export function boundRequests(server: Server, connected: 'connection' | 'secureConnection'): void {
  const connections = new WeakMap<Socket, Connection>();
  const expect = (socket: Socket, connection: Connection, withinMs: number) => {
    if (connection.underWay > 0 || socket.destroyed) return;
    connection.timer = setTimeout(() => socket.destroy(), withinMs).unref();
  };
  server.on(connected, (socket: Socket) => {
    const connection: Connection = { underWay: 0, timer: undefined };
    connections.set(socket, connection);
    expect(socket, connection, FIRST_WITHIN_MS);
    socket.once('close', () => clearTimeout(connection.timer));
  });
  server.on('request', ({ socket }, response) => {
    const connection = connections.get(socket)!;
    clearTimeout(connection.timer);
    connection.underWay += 1;
    response.once('close', () => {
      connection.underWay -= 1;
      expect(socket, connection, NEXT_WITHIN_MS);
    });
  });
}
