/** Clients whose misses came through a responder's ring: a datagram's, and a TCP connection's. */
import { readSocketAddress } from '../os/socket-address.ts';
import { addressKey } from '../os/socket-octets.ts';
import { MESSAGE_SIZE_MAX, UDP_REPLY_SIZE_MAX } from '../wire/registry.ts';
import type { Client, Peer } from './client.ts';
import type { MissRecord } from './miss-ring.ts';

const NO_REPLY = new Uint8Array(0);

abstract class ResponderClient {
  protected readonly miss: MissRecord;
  #source: string | undefined;

  constructor(miss: MissRecord) {
    this.miss = miss;
  }

  get source(): string {
    this.#source ??= addressKey(this.miss.peer);
    return this.#source;
  }

  peer(): Peer {
    return readSocketAddress(this.miss.peer, 0);
  }
}

/** Replies leave on the very socket that the query came in on. */
export class DatagramClient extends ResponderClient implements Client {
  readonly #reply: (miss: MissRecord, reply: Uint8Array) => void;

  constructor(miss: MissRecord, reply: (miss: MissRecord, reply: Uint8Array) => void) {
    super(miss);
    this.#reply = reply;
  }

  get protocol() {
    return 'udp' as const;
  }

  get replySizeMax(): number {
    return UDP_REPLY_SIZE_MAX;
  }

  send(reply: Uint8Array): void {
    this.#reply(this.miss, reply);
  }

  drop(): void {}
}

/** The responder that holds a connection. */
export interface StreamHolder {
  /** An empty reply says that the query gets none. */
  reply(slot: number, generation: number, reply: Uint8Array): void;
}

/** Replies go back through the responder, who has the connection. */
export class StreamClient extends ResponderClient implements Client {
  readonly #holder: StreamHolder;

  constructor(miss: MissRecord, holder: StreamHolder) {
    super(miss);
    this.#holder = holder;
  }

  get protocol() {
    return 'tcp' as const;
  }

  get replySizeMax(): number {
    return MESSAGE_SIZE_MAX;
  }

  send(reply: Uint8Array): void {
    const { buffer, byteOffset } = this.miss.control;
    const [slot, generation] = new Int32Array(buffer, byteOffset, 2) as unknown as [number, number];
    this.#holder.reply(slot, generation, reply);
  }

  drop(): void {
    this.send(NO_REPLY);
  }
}
