/**
 * What the two ways of serving clients have in common: `responder-service.ts` (threads and system calls) and
 * `portable-service.ts` (node:dgram and node:net).
 */
import type { Listener } from './client.ts';
import type { ResponderPlan } from './plan.ts';
import type { SampleRing } from './sample-ring.ts';
import type { ConnectionFigures } from './stream-table.ts';
import type { LimitsOf } from './tcp-limits.ts';

/** The same zones with the rows of each protocol. */
export interface ClientPlans {
  readonly udp: ResponderPlan;
  readonly tcp: ResponderPlan;
}

export interface ClientService {
  readonly kind: 'mmsg' | 'dgram';
  /** Replies to misses over UDP that the kernel refused. */
  readonly sendFailures: number;
  /** Queries that the resolver took off the UDP sockets itself. */
  readonly stormQueries: number;
  /** Of TCP. */
  readonly connections: ConnectionFigures;
  /** The rounds of each responder thread's loop: one that makes progress adds one at least every other second. None with node:dgram. */
  readonly rounds: readonly number[];
  /** Has each responder thread go round at once, so that its rounds tell soon whether it makes progress. */
  prompt(): void;
  /** Resolves when what comes to a new socket is served at once: whatever takes its time at the start is done. */
  ready(): Promise<void>;
  /** Of each responder thread: some of its queries, while its step is not 0. */
  readonly samples: readonly SampleRing[];
  /**
   * Serves exactly these listeners by these plans, over UDP and TCP: opens sockets that are new, goes on with the others, closes those
   * whose listener is gone once nothing works by the old plan any more; TCP connections of the latter end with FIN once what they
   * asked is answered. Rejects with the system's error where an address cannot be bound; nothing has changed then.
   */
  serve(listeners: readonly Listener[], plans: ClientPlans, limitsOf: LimitsOf): Promise<void>;
  /**
   * Takes no more queries, ends TCP connections within `graceMs`, waits for `answered`, which is told what is left of that time, sends
   * what is queued, closes the sockets.
   */
  close(graceMs: number, answered: (timeoutMs: number) => Promise<void>): Promise<void>;
}
