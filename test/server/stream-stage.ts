/**
 * A responder's loop in the test's own thread, with a TCP listener on 127.0.0.1: it goes round whenever the event loop does. The test
 * is the resolver: it takes misses and gives replies.
 */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { systemClock } from '../../src/base/clock.ts';
import { FrameReader, frame } from '../../src/cli/stand-in/frames.ts';
import { type Libc, OS, Pinned, requireLibc } from '../../src/os/libc.ts';
import { openListener } from '../../src/os/listening-socket.ts';
import { openSocketPair } from '../../src/os/socket-pair.ts';
import { describeSocket } from '../../src/os/udp-socket.ts';
import { createMissRing, type MissRecord } from '../../src/server/miss-ring.ts';
import { MissTaker } from '../../src/server/miss-taker.ts';
import { createReplyRing, ReplyRing } from '../../src/server/reply-ring.ts';
import { ResponderLoop } from '../../src/server/responder-loop.ts';
import { createSampleRing, SampleRing } from '../../src/server/sample-ring.ts';
import { createStreamTable, StreamTable } from '../../src/server/stream-table.ts';
import { TCP_BACKLOG, type TcpLimits } from '../../src/server/tcp-limits.ts';
import { MESSAGE_SIZE_MAX } from '../../src/wire/registry.ts';
import { DEADLINE_MS } from '../support/deadline.ts';
import { encodeQuery, type QueryInput } from '../support/messages.ts';
import { AnswererFixture, LISTENER } from './answerer-fixture.ts';

export const LIMITS: TcpLimits = {
  readMs: 60_000,
  writeMs: 60_000,
  idleMs: 60_000,
  maxTcpQueries: undefined,
};

/** Resolves once `look` holds, which is asked after each turn of the event loop, and so of the responder's. */
export async function turnsUntil(what: string, look: () => boolean): Promise<void> {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  while (!look()) {
    if (signal.aborted) throw new Error(`not within ${DEADLINE_MS} ms: ${what}`);
    await nextTurn();
  }
}

export class StreamStage {
  /** What a `send` takes at most. */
  sendMax = Number.MAX_SAFE_INTEGER;
  /** Whether the process has no descriptor left, and how often one was asked for. */
  isExhausted = false;
  acceptCount = 0;
  /** Its clock stands still meanwhile: no deadline comes, however long the process is stopped. */
  isClockStopped = false;
  readonly libc: Libc = {
    ...requireLibc(),
    accept4: (fd, address, size, flags) => {
      this.acceptCount += 1;
      return requireLibc().accept4(this.isExhausted ? -1 : fd, address, size, flags);
    },
    clock_gettime: (clock, time) =>
      this.isClockStopped ? 0 : requireLibc().clock_gettime(clock, time),
    send: (fd, data, size, flags) =>
      requireLibc().send(fd, data, Math.min(size, this.sendMax), flags),
  };
  readonly fixture = new AnswererFixture({ isStream: true, bufferSize: MESSAGE_SIZE_MAX });
  readonly misses: MissTaker;
  readonly replies: ReplyRing;
  readonly samples: SampleRing;
  readonly table: StreamTable;
  readonly loop: ResponderLoop;
  readonly port: number;
  readonly #listenerFd: number;
  readonly #eventFd: number;
  readonly #one: Pinned;
  readonly #fds: number[];
  #isRunning = true;

  constructor(limits: Partial<TcpLimits> = {}, slotCount = 64) {
    const { libc } = this;
    this.fixture.nowMs = systemClock.nowMs();
    const missRing = createMissRing();
    const sampleRing = createSampleRing();
    const streamTable = createStreamTable(slotCount);
    const replyRing = createReplyRing();
    this.misses = new MissTaker(missRing);
    this.samples = new SampleRing(sampleRing);
    this.table = new StreamTable(streamTable);
    this.replies = new ReplyRing(replyRing);
    const [ours, theirs] = openSocketPair(libc);
    this.#eventFd = libc.eventfd(0, OS.EFD_CLOEXEC | OS.EFD_NONBLOCK);
    this.#one = new Pinned(libc, 8);
    this.#one.words[0] = 1;
    this.#fds = [ours, theirs, this.#eventFd];
    this.loop = new ResponderLoop({
      libc,
      answerer: this.fixture.answerer,
      streamAnswerer: this.fixture.answerer,
      counters: this.fixture.memory.words,
      missRing,
      sampleRing,
      streamTable,
      replyRing,
      rounds: new SharedArrayBuffer(64),
      wakeFd: theirs,
      eventFd: this.#eventFd,
    });
    this.#listenerFd = openListener(libc, { host: '127.0.0.1', port: 0 }, TCP_BACKLOG);
    this.port = describeSocket(libc, this.#listenerFd)!.address.port;
    this.listen({ ...LIMITS, ...limits });
  }

  /** Goes round until the test ends. */
  static start(t: TestContext, limits?: Partial<TcpLimits>, slotCount?: number): StreamStage {
    const stage = new StreamStage(limits, slotCount);
    t.after(() => stage.close());
    const turn = () => {
      if (!stage.#isRunning) return;
      stage.loop.round(0);
      setImmediate(turn);
    };
    turn();
    return stage;
  }

  listen(limits: TcpLimits): void {
    const listener = { fd: this.#listenerFd, id: 1, listener: LISTENER, limits };
    this.loop.streams.setListeners([listener], 1);
  }

  /** Its listener goes. */
  leave(): void {
    this.loop.streams.setListeners([], 2);
  }

  /** All of it ends. */
  end(graceMs: number): void {
    this.loop.streams.end(graceMs, 2);
  }

  close(): void {
    this.#isRunning = false;
    if (this.table.closedListeners === 1) this.leave();
    this.loop.close();
    for (const fd of this.#fds) this.libc.close(fd);
  }

  dial(t: TestContext): StreamClient {
    const client = new StreamClient(connect(this.port, '127.0.0.1'));
    t.after(() => client.socket.destroy());
    return client;
  }

  async connect(t: TestContext): Promise<StreamClient> {
    const count = this.table.figures().open;
    const client = this.dial(t);
    await turnsUntil('it to be accepted', () => this.table.figures().open > count);
    return client;
  }

  /** The next miss. */
  async miss(): Promise<MissRecord> {
    let miss: MissRecord | undefined;
    await turnsUntil('a miss', () => {
      miss = this.misses.take();
      return miss !== undefined;
    });
    return miss!;
  }

  /** Answers a miss; false where the ring has no place. */
  answer(miss: MissRecord, reply: Uint8Array): boolean {
    const [slot, generation] = connectionOf(miss);
    const isPushed = this.replies.push(slot, generation, reply);
    this.wake();
    return isPushed;
  }

  wake(): void {
    this.libc.write(this.#eventFd, this.#one.address, 8);
  }
}

/** Slot and generation. */
export function connectionOf({ control }: MissRecord): [number, number] {
  const [slot, generation] = new Int32Array(control.buffer, control.byteOffset, 2);
  return [slot!, generation!];
}

/** What a client of node:net sends and gets. */
export class StreamClient {
  readonly socket: Socket;
  readonly #reader = new FrameReader();
  #messages: Buffer[] = [];
  hasEnded = false;
  isClosed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (octets: Buffer) => this.#messages.push(...this.#reader.push(octets)));
    socket.on('end', () => {
      this.hasEnded = true;
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isClosed = true;
    });
  }

  ask(...queries: QueryInput[]): void {
    this.socket.write(framesOf(queries));
  }

  get messageCount(): number {
    return this.#messages.length;
  }

  /** The messages that have come, when they are so many. */
  async messages(count: number): Promise<Buffer[]> {
    await turnsUntil(`${count} replies`, () => this.#messages.length >= count);
    const messages = this.#messages;
    this.#messages = [];
    assert.equal(messages.length, count);
    return messages;
  }
}

export function framesOf(queries: readonly QueryInput[]): Buffer {
  return frame(...queries.map((query) => encodeQuery(query)));
}
