/**
 * How many rules a table of iptables-legacy holds, asked of the kernel directly: `struct ipt_getinfo` of
 * linux/netfilter_ipv4/ip_tables.h, and the same for IPv6. There is no notification of changes; this takes a few microseconds, where
 * starting `iptables-save` takes 2 ms. The socket is a raw one, which needs NET_RAW, as iptables-legacy does.
 */
import { type Libc, OS, Pinned } from './libc.ts';

const IPPROTO_RAW = 255;
/** IPT_SO_GET_INFO and IP6T_SO_GET_INFO, at level IPPROTO_IP and IPPROTO_IPV6. */
const GET_INFO = 64;
/** name:32, valid hooks, 5 hook entries, 5 underflows, number of entries, size. */
const INFO_SIZE = 84;
const NAME_SIZE = 32;
const ENTRIES_AT = 19;
const SIZE_AT = 20;

export class LegacyTables {
  readonly #libc: Libc;
  readonly #fds: Readonly<Record<4 | 6, number>>;
  readonly #info: Pinned;
  readonly #size: Pinned;

  constructor(libc: Libc) {
    this.#libc = libc;
    const type = OS.SOCK_RAW | OS.SOCK_CLOEXEC;
    this.#fds = {
      4: libc.socket(OS.AF_INET, type, IPPROTO_RAW),
      6: libc.socket(OS.AF_INET6, type, IPPROTO_RAW),
    };
    this.#info = new Pinned(libc, INFO_SIZE);
    this.#size = new Pinned(libc, 8);
  }

  /** `rules:octets` of a table, to be compared with a later one; undefined where it cannot be asked. */
  fingerprint(family: 4 | 6, table: string): string | undefined {
    const fd = this.#fds[family];
    if (fd < 0) return undefined;
    this.#info.octets.fill(0);
    this.#info.octets.set(Buffer.from(table).subarray(0, NAME_SIZE - 1));
    this.#size.words[0] = INFO_SIZE;
    const level = family === 6 ? OS.IPPROTO_IPV6 : OS.IPPROTO_IP;
    const { address } = this.#info;
    if (this.#libc.getsockopt(fd, level, GET_INFO, address, this.#size.address) < 0) {
      return undefined;
    }
    return `${this.#info.words[ENTRIES_AT]}:${this.#info.words[SIZE_AT]}`;
  }

  close(): void {
    for (const fd of Object.values(this.#fds)) if (fd >= 0) this.#libc.close(fd);
  }
}
