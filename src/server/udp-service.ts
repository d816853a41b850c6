/** What the two ways of serving UDP have in common: `mmsg-service.ts` (system calls) and `dgram-service.ts` (node:dgram). */
import type { Listener } from './client.ts';
import type { ResponderPlan } from './plan.ts';
import type { SampleRing } from './sample-ring.ts';

export interface UdpService {
  readonly kind: 'mmsg' | 'dgram';
  /** Replies to misses that the kernel refused. */
  readonly sendFailures: number;
  /** Queries that the resolver took off the sockets itself. */
  readonly stormQueries: number;
  /** The rounds of each responder thread's loop: one that makes progress adds at least two a second. None with node:dgram. */
  readonly rounds: readonly number[];
  /** Resolves when what comes to a new socket is served at once: whatever takes its time at the start is done. */
  ready(): Promise<void>;
  /** Of each responder thread: some of its queries, while its step is not 0. */
  readonly samples: readonly SampleRing[];
  /**
   * Serves exactly these listeners by this plan: opens sockets that are new, goes on with the others, closes those whose
   * listener is gone once nothing works by the old plan any more. Rejects with the system's error where an address cannot
   * be bound; nothing has changed then.
   */
  serve(listeners: readonly Listener[], plan: ResponderPlan): Promise<void>;
  /** Takes no more queries, waits for `answered`, sends what is queued, closes the sockets. */
  close(answered: () => Promise<void>): Promise<void>;
}
