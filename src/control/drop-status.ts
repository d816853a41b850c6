/** What a daemon had to drop, since its start. */

/** Each is a reason why a query got no answer, or none that it should have. */
export interface DropStatus {
  /** The kernel's receive queues were full. */
  readonly receiveQueue: number;
  /** The rings from the responders to the resolver were full, or a client held its share of them. */
  readonly misses: number;
  readonly inFlightFull: number;
  readonly inFlightUnfair: number;
  readonly tcpFull: number;
  readonly tcpUnfair: number;
  /** Replies that the kernel refused to send. */
  readonly sendFailures: number;
  /** Responses not cached since no room could be made. */
  readonly cacheRefused: number;
}
