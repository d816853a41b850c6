/**
 * What stands behind the cache in a server block's chain: sources that find the answer to a question, asked in the order of
 * the directives until one takes it. And what stands before it and only looks on: observers, told of each reply.
 */
import type { Octets } from '../wire/octets.ts';
import type { Response } from '../wire/response.ts';

/** A question in the one shape in which it is asked, whoever asks: that of its cache key. */
export interface Question {
  /** Lower-case, uncompressed. */
  readonly qname: Octets;
  readonly qtype: number;
  readonly qclass: number;
  readonly opcode: number;
  readonly rd: boolean;
  readonly cd: boolean;
  readonly dnssecOk: boolean;
  /** How the client came; a source that asks others may do likewise. */
  readonly transport: 'udp' | 'tcp';
}

export type Resolution =
  | { readonly ok: true; readonly response: Response; readonly by: SourceName }
  /** No answer could be had: the client gets this rcode, nothing is cached; `reason` is for the `errors` log. */
  | { readonly ok: false; readonly rcode: number; readonly reason: string };

/** The `plugin` label of `coredns_dns_responses_total`. */
export type SourceName = 'forward';

export interface Source {
  /** Undefined: not mine, ask the next. */
  resolve(question: Question): Promise<Resolution> | undefined;
}

/** One end of what a query came over; the host is an IP address. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** One reply that left, or is about to. */
export interface ReplyReport {
  readonly query: Octets;
  /** The octets of the reply; valid during the call only. */
  readonly reply: Octets;
  readonly protocol: 'udp' | 'tcp';
  readonly durationMs: number;
  /** The client. */
  readonly peer: () => HostPort;
  /** Our address that the client asked. */
  readonly local: () => HostPort;
  /** Why there is no answer, where there is none. */
  readonly failure: string | undefined;
}

export interface Observer {
  replied(report: ReplyReport): void;
}
