/** How many datagrams the kernel has dropped because a socket's receive queue was full. */
import { type Libc, OS, Pinned } from './libc.ts';

/** Word of SO_MEMINFO (sock_diag.h): datagrams dropped since the socket was made. */
const MEMINFO_DROPS = 8;
const MEMINFO_WORDS = 9;

/** Reads a socket's drop counter again and again without allocating. */
export class DropCounter {
  readonly #libc: Libc;
  readonly #words: Pinned;

  constructor(libc: Libc) {
    this.#libc = libc;
    this.#words = new Pinned(libc, (MEMINFO_WORDS + 1) * 4);
  }

  /** Datagrams dropped since the socket was made (wrapping), or 0 where the kernel does not tell. */
  read(fd: number): number {
    const { address, words } = this.#words;
    words[MEMINFO_WORDS] = MEMINFO_WORDS * 4;
    const result = this.#libc.getsockopt(
      fd,
      OS.SOL_SOCKET,
      OS.SO_MEMINFO,
      address,
      address + MEMINFO_WORDS * 4,
    );
    return result < 0 ? 0 : words[MEMINFO_DROPS]!;
  }
}
