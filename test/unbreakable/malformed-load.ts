/**
 * What it takes to throw malformed messages at a daemon by the ten thousand and to lose none: volleys of datagrams of which
 * each is answered before the next ones go, an upstream that answers with octets as they are, and what must hold afterwards.
 */
import assert from 'node:assert/strict';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { FrameReader, frame } from '../../src/cli/stand-in/frames.ts';
import type { Daemon } from '../support/daemon.ts';
import { within } from '../support/deadline.ts';
import type { CleanUp } from '../support/temporary-directory.ts';
import { readPlainly } from '../wire/responses.ts';

/** One UDP socket, connected to the daemon. */
export class Volleys {
  readonly #socket: UdpSocket;
  #nextId = 0;
  #replies = new Map<number, Buffer>();
  #onReply: () => void = () => {};

  private constructor(socket: UdpSocket) {
    this.#socket = socket;
    socket.on('message', (reply) => {
      this.#replies.set(reply.readUInt16BE(0), reply);
      this.#onReply();
    });
  }

  static async open(test: CleanUp, port: number): Promise<Volleys> {
    // A volley's replies come together where this process is stopped.
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
    test.after(() => socket.close());
    socket.connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new Volleys(socket);
  }

  /**
   * Sends the datagrams, each with an id of its own, and waits until all that `isAnswered` picks have their replies; gives
   * those in the order of the datagrams. A reply that nothing asked for is an error.
   */
  async send(
    datagrams: readonly Uint8Array[],
    isAnswered: (datagram: Uint8Array) => boolean,
  ): Promise<(Buffer | undefined)[]> {
    const firstId = this.#nextId;
    this.#nextId = (firstId + datagrams.length) & 0xffff;
    this.#replies = new Map();
    const idOf = (index: number) => (firstId + index) & 0xffff;
    for (const [index, datagram] of datagrams.entries()) {
      if (datagram.length >= 2) datagram.set([idOf(index) >> 8, idOf(index) & 0xff]);
      this.#socket.send(datagram);
    }
    const wanted = datagrams.filter(isAnswered).length;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onReply = () => {
      if (this.#replies.size >= wanted) resolve();
    };
    this.#onReply();
    await within(promise, `replies to all of ${wanted} datagrams`);
    const replies = datagrams.map((_, index) => this.#replies.get(idOf(index)));
    assert.equal(replies.filter((reply) => reply !== undefined).length, wanted);
    assert.equal(this.#replies.size, wanted, 'replies that nothing asked for');
    return replies;
  }
}

/** An upstream on one port for UDP and TCP that looks at nothing: what it is told to answer is sent as it is. */
export class RawUpstream {
  readonly port: number;
  readonly answer: (query: Buffer) => Uint8Array;

  private constructor(udp: UdpSocket, tcp: Server, answer: (query: Buffer) => Uint8Array) {
    this.port = udp.address().port;
    this.answer = answer;
    udp.on('message', (query, { port, address }) => udp.send(this.answer(query), port, address));
    tcp.on('connection', (socket) => {
      const frames = new FrameReader();
      socket.on('error', () => socket.destroy()); // a daemon that resets the connection may
      socket.on('data', (chunk: Buffer) => {
        for (const query of frames.push(chunk)) socket.write(frame(this.answer(query)));
      });
    });
  }

  static async start(test: CleanUp, answer: (query: Buffer) => Uint8Array): Promise<RawUpstream> {
    const tcp = createServer();
    tcp.listen(0, '127.0.0.1');
    await once(tcp, 'listening');
    const udp = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
    udp.bind((tcp.address() as { port: number }).port, '127.0.0.1');
    await once(udp, 'listening');
    test.after(() => {
      udp.close();
      tcp.close();
    });
    return new RawUpstream(udp, tcp, answer);
  }
}

/** What a client's message must look like to get a reply at all: a header that is no response's. */
export function isAnswered(datagram: Uint8Array): boolean {
  return datagram.length >= 12 && (datagram[2]! & 0x80) === 0;
}

/** The four bits of the header. */
export function rcodeOf(reply: Uint8Array): number {
  return reply[3]! & 0x0f;
}

/** Throws where a reply is not well formed; one without a question is a header. */
export function assertWellFormed(reply: Buffer): void {
  assert.ok(reply.length >= 12 && (reply[2]! & 0x80) !== 0, 'a response');
  if (reply.readUInt16BE(4) === 0) {
    assert.deepEqual([...reply.subarray(4)], [0, 0, 0, 0, 0, 0, 0, 0]);
  } else {
    readPlainly(reply);
  }
}

/** Resident memory of a process, in MiB. */
export function residentMib(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) / 1024;
}

/** Nothing has died meanwhile, nothing was caught, and it ends as ever. */
export async function assertUnbroken(daemon: Daemon): Promise<void> {
  const scrape = await daemon.scrape();
  assert.equal(scrape.value('zerohop_responder_restarts_total'), 0);
  assert.equal(scrape.sum('coredns_panics_total'), 0);
  assert.equal(scrape.value('zerohop_receive_queue_drops_total') ?? 0, 0);
  assert.equal(await daemon.stop(), 0, daemon.log.join('\n'));
}
