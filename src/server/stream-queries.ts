/**
 * The queries of one read of a TCP connection: each is copied to where its reply will stand, answered there from the cache, and
 * all replies leave together; misses go into the miss ring. The hot path of TCP: nothing is allocated for a hit.
 */
import { countMissRingFull } from '../metrics/counter-words.ts';
import { BATCH_MAX } from '../os/datagram-batch.ts';
import { OS } from '../os/libc.ts';
import { FRAME_HEADER_SIZE, messageSizeAt } from '../wire/frame.ts';
import { u8 } from '../wire/octets.ts';
import { type Answerer, OUTCOME } from './answer.ts';
import { type MissRing, socketOfListener } from './miss-ring.ts';
import type { RoundClock } from './round-clock.ts';
import type { SampleRing } from './sample-ring.ts';
import type { StreamConnection } from './stream-connection.ts';
import { STREAM_NAME_SIZE, type StreamMemory } from './stream-memory.ts';
import type { StreamOutput } from './stream-output.ts';

/** `sockaddr_in` and `sockaddr_in6`, as `recvmmsg` counts them: a source has one share of the miss ring over UDP and TCP. */
const IPV4_SIZE = 16;
const IPV6_SIZE = 28;

export interface StreamQueriesWiring {
  /** Of streams: replies may be as large as a message can be. */
  readonly answerer: Answerer;
  readonly counters: Int32Array;
  readonly missRing: MissRing;
  readonly samples: SampleRing;
  readonly clock: RoundClock;
  /** There are misses, or entries to be refreshed. */
  readonly wakeResolver: () => void;
}

export class StreamQueries {
  readonly #wiring: StreamQueriesWiring;
  readonly #memory: StreamMemory;
  readonly #output: StreamOutput;
  /** When the batch began: in an array so that no number object is made of it. */
  readonly #began = new Float64Array(1);
  #step = 0;
  #isResolverWanted = false;

  constructor(wiring: StreamQueriesWiring, memory: StreamMemory, output: StreamOutput) {
    this.#wiring = wiring;
    this.#memory = memory;
    this.#output = output;
  }

  /** Takes the whole frames between `at` and `end`, as many as the connection may have under way; returns where it stopped. */
  take(connection: StreamConnection, at: number, end: number): number {
    const { answerer, samples, wakeResolver } = this.#wiring;
    // Its listener has gone with a reload.
    if (!answerer.serves(connection.listener)) {
      connection.queryCount += 1;
      connection.refuseQueries();
      return end;
    }
    const { octets } = this.#memory;
    this.#step = samples.step;
    this.#isResolverWanted = false;
    this.#output.begin(connection);
    let next = at;
    this.#beginBatch();
    for (let count = 1; connection.takesQueries; count++) {
      const size = messageSizeAt(octets, next, end);
      if (size < 0) break;
      this.#takeOne(connection, next + FRAME_HEADER_SIZE, size);
      next += FRAME_HEADER_SIZE + size;
      if (count % BATCH_MAX !== 0) continue;
      this.#endBatch();
      this.#beginBatch();
    }
    this.#endBatch();
    this.#output.flush();
    if (this.#isResolverWanted) wakeResolver();
    return next;
  }

  #takeOne(connection: StreamConnection, at: number, size: number): void {
    const { octets, words } = this.#memory;
    const { answerer, samples } = this.#wiring;
    const { listener, slot, limits } = connection;
    connection.queryCount += 1;
    // The bound of `timeouts maxtcpqueries`: what comes after it is not answered.
    if (connection.queryCount === limits.maxTcpQueries) connection.refuseQueries();
    const place = this.#output.place();
    octets.copyWithin(place, at, at + size);
    let reply = answerer.answer(octets, words, place, size, listener);
    if (reply === OUTCOME.MISS && !this.#pushMiss(connection, place, size)) {
      reply = answerer.refuseMiss(0, octets);
    }
    if (this.#step !== 0 && samples.isDue(this.#step)) {
      const length = Math.max(reply, size);
      samples.take(octets, place, length, this.#memory.peerAt(slot), this.#step);
    }
    if (reply > 0) this.#output.commit(place, reply);
  }

  /** False where the ring has no place for it. */
  #pushMiss(connection: StreamConnection, at: number, size: number): boolean {
    const { missRing, counters, answerer, clock } = this.#wiring;
    const { octets } = this.#memory;
    const peerAt = this.#memory.peerAt(connection.slot);
    const isPushed = missRing.push(
      octets,
      at,
      size,
      peerAt,
      u8(octets, peerAt) === OS.AF_INET ? IPV4_SIZE : IPV6_SIZE,
      this.#memory.nameAt(connection.slot),
      STREAM_NAME_SIZE,
      socketOfListener(connection.listener),
      clock.nowMs,
    );
    if (!isPushed) {
      countMissRingFull(counters, answerer.writerAt);
      return false;
    }
    connection.inFlight += 1;
    this.#isResolverWanted = true;
    return true;
  }

  #beginBatch(): void {
    const { answerer, clock } = this.#wiring;
    this.#began[0] = clock.nowMs;
    answerer.beginBatch(clock.nowMs);
  }

  #endBatch(): void {
    const { answerer, clock } = this.#wiring;
    answerer.endBatch(Math.round((clock.read() - this.#began[0]!) * 1000));
    if (answerer.refreshRequests > 0) this.#isResolverWanted = true;
  }
}
