/** Whom a query came from and how its reply gets there: the resolver's view, the same for UDP and TCP. */
import { hostPort } from '../base/ip-address.ts';

export interface Peer {
  readonly host: string;
  readonly port: number;
}

export interface Client {
  readonly protocol: 'udp' | 'tcp';
  /** The address it comes from, in whatever form: what is limited per source is counted by it. */
  readonly source: string;
  /** Octets a reply may have at most, whatever the query's EDNS says: 65,535 over TCP. */
  readonly replySizeMax: number;
  /** Worked out when somebody asks (a log line), not for each query. */
  peer(): Peer;
  /** Sends a reply or drops it where the client has gone; the octets may be used again afterwards. */
  send(reply: Uint8Array): void;
  /** Instead of `send`, for what gets no reply at all. */
  drop(): void;
}

/** What a transport hands to the resolver. The octets are the resolver's own. */
export interface Arrival {
  readonly query: Uint8Array;
  readonly client: Client;
  /** Number of the listener it came to. */
  readonly listener: number;
  readonly receivedAtMs: number;
}

export type ArrivalHandler = (arrival: Arrival) => void;

/** One address and port that is served, over UDP and TCP. */
export interface Listener {
  /** Its number in plans; never given twice in a process. */
  readonly id: number;
  /** An IP address; empty: all addresses of both families. */
  readonly host: string;
  readonly port: number;
  /** `dns://IP:PORT`, the `server` label. */
  readonly label: string;
}

/** The `server` label of a listener; an empty host is every address. */
export function serverLabel(host: string, port: number): string {
  return `dns://${hostPort(host, port)}`;
}

/** The addresses to bind for a listener. */
export function bindHosts(listener: Listener): readonly string[] {
  return listener.host === '' ? ['0.0.0.0', '::'] : [listener.host];
}
