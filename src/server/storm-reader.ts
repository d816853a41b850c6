/** Takes queries off the responders' sockets for the resolver, as a responder would hand them over. */
import type { Clock } from '../base/clock.ts';
import { CONTROL_MODE, CONTROL_SIZE, DatagramBatch } from '../os/datagram-batch.ts';
import type { Libc } from '../os/libc.ts';
import type { MissRecord } from './miss-ring.ts';
import type { ResponderSocket } from './responder-loop.ts';
import { canBeAnswered } from './source-check.ts';

const NONE = new Uint8Array(0);

export interface StormReaderOptions {
  readonly libc: Libc;
  readonly clock: Clock;
  readonly onQuery: (record: MissRecord) => void;
  /** One that gets no reply because of where it came from. */
  readonly onIgnored: (listener: number) => void;
}

export class StormReader {
  readonly #options: StormReaderOptions;
  readonly #batch: DatagramBatch;

  constructor(options: StormReaderOptions) {
    this.#options = options;
    this.#batch = new DatagramBatch(options.libc);
  }

  /** Takes what has come to a socket, at most a batch of it; how many datagrams that was. */
  read(socket: ResponderSocket): number {
    const { clock, onQuery, onIgnored } = this.#options;
    const batch = this.#batch;
    const { PACKET_INFO, NONE: NO_CONTROL } = CONTROL_MODE;
    const count = batch.receive(socket.fd, socket.isWildcard ? PACKET_INFO : NO_CONTROL);
    const receivedAtMs = clock.nowMs();
    for (let slot = 0; slot < count; slot++) {
      if (canBeAnswered(batch.octets, batch.nameAt(slot), socket.own)) {
        onQuery(this.#record(socket, slot, receivedAtMs));
      } else {
        onIgnored(socket.listener);
      }
    }
    return count;
  }

  #record({ id, isWildcard }: ResponderSocket, slot: number, receivedAtMs: number): MissRecord {
    const { octets } = this.#batch;
    const copy = (at: number, size: number) => octets.slice(at, at + size);
    const size = this.#batch.sizeOf(slot);
    const at = this.#batch.bufferAt(slot);
    // As in the ring: from Node's pool.
    const query = Buffer.allocUnsafe(size);
    for (let index = 0; index < size; index++) query[index] = octets[at + index]!;
    return {
      socket: id,
      query,
      peer: copy(this.#batch.nameAt(slot), this.#batch.nameSizeOf(slot)),
      control: isWildcard ? copy(this.#batch.controlAt(slot), CONTROL_SIZE) : NONE,
      receivedAtMs,
    };
  }
}
