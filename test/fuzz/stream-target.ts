/**
 * A client's octets over TCP through a responder's own code, with a kernel that is made up: however they are cut, the same queries are
 * taken, as a plain second reader sees them, and each gets its reply or goes to the resolver.
 */
import assert from 'node:assert/strict';
import { FrameReader } from '../../src/cli/stand-in/frames.ts';
import { Epoll } from '../../src/os/epoll.ts';
import { type Libc, OS } from '../../src/os/libc.ts';
import { createMissRing, MissRing } from '../../src/server/miss-ring.ts';
import { MissTaker } from '../../src/server/miss-taker.ts';
import { createReplyRing, ReplyRing } from '../../src/server/reply-ring.ts';
import { ResponderStreams } from '../../src/server/responder-streams.ts';
import { RoundClock } from '../../src/server/round-clock.ts';
import { createSampleRing, SampleRing } from '../../src/server/sample-ring.ts';
import { TOKEN } from '../../src/server/stream-listeners.ts';
import { createStreamTable, StreamTable } from '../../src/server/stream-table.ts';
import { MESSAGE_SIZE_MAX } from '../../src/wire/registry.ts';
import { AnswererFixture, LISTENER } from '../server/answerer-fixture.ts';

const HIT = 'www.cluster.local';
const LIMITS = { readMs: 1000, writeMs: 1000, idleMs: 1000, maxTcpQueries: undefined };
/** Room of each piece of memory that the kernel is told of. */
const ADDRESS_STEP = 2 ** 24;
const CONNECTION_FD = 7;

/** Its memory, what a client sends, and what it gets. */
class FakeKernel {
  readonly #buffers: Uint8Array[] = [];
  incoming: Uint8Array[] = [];
  isFinished = false;
  outgoing: Buffer[] = [];
  isAccepted = true;
  isOpen = false;

  readonly libc = {
    addressOf: (buffer: ArrayBuffer) => ADDRESS_STEP * this.#buffers.push(new Uint8Array(buffer)),
    epoll_create1: () => 1,
    epoll_ctl: () => 0,
    clock_gettime: () => 0,
    errno: () => 11,
    setsockopt: () => 0,
    shutdown: () => 0,
    close: (fd: number) => {
      if (fd === CONNECTION_FD) this.isOpen = false;
      return 0;
    },
    accept4: (_fd: number, address: number) => {
      if (this.isAccepted) return -1;
      this.isAccepted = true;
      this.isOpen = true;
      this.#memoryAt(address, 16).set([OS.AF_INET, 0, 0, 99, 127, 0, 0, 1]);
      return CONNECTION_FD;
    },
    recv: (_fd: number, address: number, size: number) => {
      const chunk = this.incoming.shift();
      if (chunk === undefined) return this.isFinished ? 0 : -1;
      assert.ok(chunk.length <= size);
      this.#memoryAt(address, size).set(chunk);
      return chunk.length;
    },
    send: (_fd: number, address: number, size: number) => {
      this.outgoing.push(Buffer.from(this.#memoryAt(address, size)));
      return size;
    },
  } as unknown as Libc;

  #memoryAt(address: number, size: number): Uint8Array {
    const memory = this.#buffers[Math.floor(address / ADDRESS_STEP) - 1]!;
    const at = address % ADDRESS_STEP;
    assert.ok(at + size <= memory.length, 'beyond the memory that the kernel may use');
    return memory.subarray(at, at + size);
  }
}

class Stage {
  readonly kernel = new FakeKernel();
  readonly streams: ResponderStreams;
  readonly #misses: MissTaker;
  readonly #replies: ReplyRing;
  readonly #table: StreamTable;

  constructor() {
    const { libc } = this.kernel;
    const fixture = new AnswererFixture({ isStream: true, bufferSize: MESSAGE_SIZE_MAX });
    fixture.nowMs = 0;
    fixture.admit({ name: HIT });
    const missRing = createMissRing();
    const replyRing = createReplyRing();
    const streamTable = createStreamTable(2);
    this.#misses = new MissTaker(missRing);
    this.#replies = new ReplyRing(replyRing);
    this.#table = new StreamTable(streamTable);
    this.streams = new ResponderStreams({
      libc,
      epoll: new Epoll(libc),
      answerer: fixture.answerer,
      counters: fixture.memory.words,
      missRing: new MissRing(missRing),
      samples: new SampleRing(createSampleRing()),
      clock: new RoundClock(libc),
      wakeResolver: () => {},
      streamTable,
      replyRing,
    });
    const listener = { fd: 3, id: 1, listener: LISTENER, limits: LIMITS };
    this.streams.setListeners([listener], 1);
  }

  /** The replies and the misses of a connection on which these come, and a FIN. */
  play(chunks: readonly Uint8Array[]): { replies: Buffer; misses: Buffer[] } {
    const { kernel, streams } = this;
    const misses: Buffer[] = [];
    kernel.outgoing = [];
    kernel.isFinished = false;
    kernel.isAccepted = false;
    streams.serve(TOKEN.LISTENER | 1, OS.EPOLLIN);
    for (const chunk of [...chunks, undefined]) {
      if (chunk === undefined) kernel.isFinished = true;
      else kernel.incoming.push(chunk);
      this.#serve();
      for (let miss = this.#misses.take(); miss !== undefined; miss = this.#misses.take()) {
        misses.push(Buffer.from(miss.query));
        const [slot] = new Int32Array(miss.control.buffer, miss.control.byteOffset, 1);
        const generation = this.#table.generationOf(slot!);
        assert.ok(this.#replies.push(slot!, generation, new Uint8Array(0)));
        streams.takeReplies();
      }
    }
    assert.ok(!kernel.isOpen, 'it is closed once all is answered');
    return { replies: Buffer.concat(kernel.outgoing), misses };
  }

  #serve(): void {
    for (const slot of [0, 1]) this.streams.serve(TOKEN.CONNECTION | slot, OS.EPOLLIN);
  }
}

let stage: Stage | undefined;

export function streams(input: Uint8Array): void {
  stage ??= new Stage();
  // The first octets say how the others are cut.
  const cuts = [...input.subarray(0, 4)].map((octet) => 1 + (octet & 0x3f));
  const octets = input.subarray(4, 4 + 16_000);
  const whole = stage.play(octets.length === 0 ? [] : [octets]);
  const cut = stage.play(piecesOf(octets, cuts));
  assert.deepEqual(cut, whole);
  const queries = new FrameReader().push(octets);
  const replies = new FrameReader().push(whole.replies);
  assert.ok(replies.length + whole.misses.length <= queries.length);
  const left = queries.filter((query) => whole.misses.every((miss) => !miss.equals(query)));
  for (const reply of replies) {
    const at = left.findIndex((query) => query.subarray(0, 2).equals(reply.subarray(0, 2)));
    assert.ok(at >= 0, 'a reply to nobody');
    // What is ignored comes before: a response, or no header.
    left.splice(0, at + 1);
  }
}

function piecesOf(octets: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < octets.length; ) {
    const size = sizes[pieces.length % Math.max(1, sizes.length)] ?? 1;
    pieces.push(octets.subarray(at, at + size));
    at += size;
  }
  return pieces;
}
