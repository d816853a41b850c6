/**
 * One question on its way to one upstream: an exchange (a client's query) sends one of these, and another where it asks
 * again; a health check sends one too. It is on exactly one carrier (a connection, a UDP socket, a queue) or on none.
 */
import type { Route, UpstreamFailure } from './failure.ts';

/** Who asked. */
export interface QuerySender {
  /** A reply came that passed the checks; at most one a query. */
  answered(query: UpstreamQuery, response: Uint8Array, nowMs: number): void;
  /**
   * The carrier will bring no reply. `hadProgress`: the connection had answered others before, so that the upstream is
   * alive and the loss says nothing against it.
   */
  lost(query: UpstreamQuery, failure: UpstreamFailure, hadProgress: boolean, nowMs: number): void;
}

/** What brings a query to the upstream. */
export interface Carrier {
  readonly route: Route;
  /** The sender wants no reply any more. */
  abandon(query: UpstreamQuery): void;
}

export class UpstreamQuery {
  readonly sender: QuerySender;
  /** A whole message; shared by all queries of an exchange, never written to. */
  readonly message: Uint8Array;
  readonly questionEnd: number;
  /** Chosen by the carrier. */
  id = 0;
  carrier: Carrier | undefined = undefined;
  /** When it left for the network; 0 while it has not. */
  sentAtMs = 0;
  isAbandoned = false;
  /** A reply with its id but another question came over UDP. */
  sawMismatch = false;
  /** A health check takes any response with its id. */
  readonly takesAnyResponse: boolean;

  constructor(
    sender: QuerySender,
    message: Uint8Array,
    questionEnd: number,
    takesAnyResponse = false,
  ) {
    this.sender = sender;
    this.message = message;
    this.questionEnd = questionEnd;
    this.takesAnyResponse = takesAnyResponse;
  }
}
