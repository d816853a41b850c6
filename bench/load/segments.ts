/**
 * How many TCP segments a connection has taken and sent, acknowledgements included, as the kernel counts them (`TCP_INFO`).
 */
import type { Socket } from 'node:net';
import { type Libc, loadLibc, OS, Pinned } from '../../src/os/libc.ts';

/** linux/tcp.h: `tcpi_segs_out` and `tcpi_segs_in` follow `tcpi_bytes_received`. */
const TCP_INFO = 11;
const SEGMENTS_OUT_WORD = 34;
const SEGMENTS_IN_WORD = 35;
const INFO_OCTETS = 144;

export class SegmentCounter {
  readonly #libc: Libc | undefined;
  readonly #memory: Pinned | undefined;

  constructor() {
    const libc = loadLibc();
    if (libc instanceof Error) return;
    this.#libc = libc;
    this.#memory = new Pinned(libc, INFO_OCTETS + 8);
  }

  /** Both directions together; 0 where the kernel does not say or the socket is closed. */
  of(socket: Socket): number {
    const fd = (socket as unknown as { _handle?: { fd: number } | null })._handle?.fd ?? -1;
    if (fd < 0 || this.#libc === undefined || this.#memory === undefined) return 0;
    const { address, words } = this.#memory;
    words[INFO_OCTETS / 4] = INFO_OCTETS;
    words[SEGMENTS_IN_WORD] = 0;
    words[SEGMENTS_OUT_WORD] = 0;
    this.#libc.getsockopt(fd, OS.IPPROTO_TCP, TCP_INFO, address, address + INFO_OCTETS);
    return words[SEGMENTS_IN_WORD]! + words[SEGMENTS_OUT_WORD]!;
  }
}
