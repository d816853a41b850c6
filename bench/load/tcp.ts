/**
 * Load over TCP (RFC 7766): a fixed number of connections that stay open, many queries in flight on each, replies in any
 * order. One write a connection and turn of the event loop.
 *
 * It is not the generator for peak rates: it allocates per segment. A connection that the server closes is counted, what
 * was in flight on it is lost by its time-out, and a new one takes its place, up to a bound.
 */
import { Socket } from 'node:net';
import type { Libc } from '../../src/os/libc.ts';
import { TICKS_PER_SECOND, TickClock, ticksBetween } from './clock.ts';
import type { Flight } from './flight.ts';
import type { Load, Phase } from './phase.ts';
import type { QuestionSet } from './questions.ts';
import { Schedule } from './schedule.ts';
import type { Tally } from './tally.ts';

/** A server that closes after each query would otherwise be dialled without end. */
const RECONNECTS_MAX = 1000;
const EXPIRE_INTERVAL_MS = 10;
/** A write is at most the window's or, after a stall, this many queries of an open loop. */
const QUERIES_PER_WRITE_MAX = 1024;

interface Channel {
  socket: Socket;
  /** The start of a frame whose end has not arrived. */
  partial: Buffer;
}

export class TcpLoad implements Load {
  readonly #set: QuestionSet;
  readonly #flight: Flight;
  readonly #clock: TickClock;
  readonly #server: { readonly address: string; readonly port: number };
  readonly #channels: Channel[] = [];
  readonly #connectionCount: number;
  #reconnects = 0;
  #isClosing = false;
  /** The running phase's, for the sockets' events. */
  #tally: Tally | undefined;

  constructor(
    libc: Libc,
    server: { readonly address: string; readonly port: number },
    connectionCount: number,
    set: QuestionSet,
    flight: Flight,
  ) {
    this.#clock = new TickClock(libc);
    this.#server = server;
    this.#connectionCount = connectionCount;
    this.#set = set;
    this.#flight = flight;
  }

  /** Runs one phase to its end, its last replies included; says how many seconds passed until the last answer. */
  async run(phase: Phase, tally: Tally): Promise<number> {
    this.#tally = tally;
    while (this.#channels.length < this.#connectionCount) this.#connect(this.#channels.length);
    const startedAt = this.#clock.now();
    const { promise, resolve } = Promise.withResolvers<void>();
    const pump = phase.pace === undefined ? this.#window(phase) : this.#openLoop(phase);
    const step = () => {
      const now = this.#clock.now();
      const isSending = pump(now, ticksBetween(startedAt, now), tally);
      if (!isSending && this.#flight.outstanding === 0) resolve();
      else setImmediate(step);
    };
    const expiry = setInterval(() => this.#expire(phase, tally), EXPIRE_INTERVAL_MS);
    step();
    await promise;
    clearInterval(expiry);
    return ticksBetween(startedAt, tally.lastAnswerAt) / TICKS_PER_SECOND;
  }

  close(): void {
    this.#isClosing = true;
    for (const { socket } of this.#channels) socket.destroy();
  }

  #connect(index: number): void {
    const socket = new Socket();
    const channel: Channel = { socket, partial: Buffer.alloc(0) };
    this.#channels[index] = channel;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#receive(channel, index, chunk));
    socket.on('error', (error: NodeJS.ErrnoException) =>
      this.#tally?.countError(`connection ${error.code}`),
    );
    socket.on('close', () => {
      if (this.#isClosing) return;
      this.#tally?.countError('connection closed');
      if (this.#reconnects >= RECONNECTS_MAX) return;
      this.#reconnects += 1;
      this.#connect(index);
    });
    socket.connect(this.#server.port, this.#server.address);
  }

  #receive(channel: Channel, index: number, chunk: Buffer): void {
    const octets = channel.partial.length > 0 ? Buffer.concat([channel.partial, chunk]) : chunk;
    const now = this.#clock.now();
    let at = 0;
    while (at + 2 <= octets.length) {
      const end = at + 2 + octets.readUInt16BE(at);
      if (end > octets.length) break;
      this.#tally?.countReply(octets, at + 2, end, index, now, this.#flight, this.#set);
      at = end;
    }
    channel.partial = octets.subarray(at);
  }

  /** Each step sends what the window has room for; says whether the phase goes on sending. */
  #window(phase: Phase) {
    let left = phase.queriesMax;
    const duration = phase.seconds * TICKS_PER_SECOND;
    return (now: number, elapsed: number, tally: Tally): boolean => {
      if (left <= 0 || elapsed >= duration) return false;
      for (const [index] of this.#channels.entries()) {
        const share = Math.ceil((phase.window - index) / this.#connectionCount);
        const room = Math.min(share - this.#flight.outstandingOn(index), left);
        if (room <= 0) continue;
        this.#write(index, room, phase, () => now, tally);
        left -= room;
      }
      return true;
    };
  }

  /** Each step sends what is due, on the next connection. */
  #openLoop(phase: Phase) {
    const schedule = new Schedule(phase.pace!, phase.seconds, phase.queriesMax);
    let taken = 0;
    let index = 0;
    return (now: number, elapsed: number, tally: Tally): boolean => {
      const startedAt = (now - elapsed) | 0;
      const isDue = (query: number) =>
        query < schedule.count && schedule.dueAfter(query) <= elapsed;
      const dueAt = () => (startedAt + schedule.dueAfter(taken++)) | 0;
      while (isDue(taken)) {
        let count = 1;
        while (count < QUERIES_PER_WRITE_MAX && isDue(taken + count)) count += 1;
        this.#write(index, count, phase, dueAt, tally);
        index = (index + 1) % this.#connectionCount;
      }
      return taken < schedule.count;
    };
  }

  #write(index: number, count: number, phase: Phase, dueAt: () => number, tally: Tally): void {
    const now = this.#clock.now();
    const frames: Uint8Array[] = [];
    for (let query = 0; query < count; query++) {
      const question = phase.next();
      const due = dueAt();
      const id = this.#flight.open(index, question, due);
      tally.lateness.record(ticksBetween(due, now));
      if (id < 0) {
        tally.notSent += 1;
        continue;
      }
      frames.push(this.#frame(question, id));
    }
    tally.sent += frames.length;
    this.#channels[index]!.socket.write(Buffer.concat(frames));
  }

  #frame(question: number, id: number): Uint8Array {
    const start = this.#set.start[question]!;
    const end = this.#set.start[question + 1]!;
    const frame = Buffer.allocUnsafe(2 + end - start);
    frame.writeUInt16BE(end - start, 0);
    frame.set(this.#set.octets.subarray(start, end), 2);
    frame.writeUInt16BE(id, 2);
    return frame;
  }

  #expire(phase: Phase, tally: Tally): void {
    const now = this.#clock.now();
    for (let index = 0; index < this.#connectionCount; index++) {
      tally.lost += this.#flight.expire(index, now, phase.replyTimeout);
    }
  }
}
