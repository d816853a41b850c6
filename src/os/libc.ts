/**
 * The C library through koffi: the only file that knows how system calls are made.
 *
 * Pointers are plain Numbers (`uintptr_t`). That is koffi's cheapest form (241 ns a call against 283 ns with a
 * Uint8Array, and no allocation), and it means that a call does NOT keep the memory alive: whoever takes an address with
 * `addressOf` holds the buffer for as long as the kernel or another thread may use it. `Pinned` does both.
 *
 * Calls return what libc returns; `-1` is a failure and `libc.errno()` says which (of this thread's last call).
 */
import { createRequire } from 'node:module';

type Address = number;

export interface Libc {
  socket(domain: number, type: number, protocol: number): number;
  socketpair(domain: number, type: number, protocol: number, fds: Address): number;
  bind(fd: number, address: Address, size: number): number;
  connect(fd: number, address: Address, size: number): number;
  listen(fd: number, backlog: number): number;
  getsockname(fd: number, address: Address, size: Address): number;
  setsockopt(fd: number, level: number, option: number, value: Address, size: number): number;
  getsockopt(fd: number, level: number, option: number, value: Address, size: Address): number;
  close(fd: number): number;
  /** In C it takes any number of arguments; one pointer travels alike in both ways on x86-64 and arm64. */
  ioctl(fd: number, request: number, argument: Address): number;
  setns(fd: number, kind: number): number;
  dup(fd: number): number;
  dup3(fd: number, newFd: number, flags: number): number;
  poll(fds: Address, count: number, timeoutMs: number): number;
  epoll_create1(flags: number): number;
  epoll_ctl(epoll: number, operation: number, fd: number, event: Address): number;
  epoll_wait(epoll: number, events: Address, count: number, timeoutMs: number): number;
  accept4(fd: number, address: Address, size: Address, flags: number): number;
  recv(fd: number, data: Address, size: number, flags: number): number;
  send(fd: number, data: Address, size: number, flags: number): number;
  shutdown(fd: number, how: number): number;
  recvfrom(
    fd: number,
    data: Address,
    size: number,
    flags: number,
    peer: Address,
    peerSize: Address,
  ): number;
  sendto(
    fd: number,
    data: Address,
    size: number,
    flags: number,
    peer: Address,
    peerSize: number,
  ): number;
  recvmmsg(fd: number, messages: Address, count: number, flags: number, timeout: Address): number;
  sendmmsg(fd: number, messages: Address, count: number, flags: number): number;
  eventfd(initial: number, flags: number): number;
  timerfd_create(clock: number, flags: number): number;
  timerfd_settime(fd: number, flags: number, time: Address, oldTime: Address): number;
  read(fd: number, data: Address, size: number): number;
  write(fd: number, data: Address, size: number): number;
  memfd_create(name: Address, flags: number): number;
  ftruncate(fd: number, size: number): number;
  mmap(
    address: Address,
    size: number,
    protection: number,
    flags: number,
    fd: number,
    offset: number,
  ): number;
  munmap(address: Address, size: number): number;
  madvise(address: Address, size: number, advice: number): number;
  clock_gettime(clock: number, time: Address): number;
  getrandom(octets: Address, size: number, flags: number): number;
  usleep(us: number): number;
  /** For calls that the C library has no function for; any number of arguments in C, as with `ioctl`. */
  syscall(number: number, first: number, second: Address, third: number, fourth: number): number;
  /** Returns the error number itself, 0 for none. */
  pthread_sigmask(how: number, set: Address, oldSet: Address): number;
  capget(header: Address, data: Address): number;
  capset(header: Address, data: Address): number;
  /** glibc's: gives freed memory back to the kernel, beyond `pad` octets; undefined with another C library. */
  malloc_trim: ((pad: number) => number) | undefined;
  /** The errno of this thread's last failed call. */
  errno(): number;
  /** The address of an ArrayBuffer's first octet; the caller keeps the buffer alive. */
  addressOf(buffer: ArrayBuffer): Address;
  /** An ArrayBuffer over memory that this process mapped; it is valid until `munmap`. */
  view(address: Address, size: number): ArrayBuffer;
}

const SIGNATURES = [
  'int socket(int, int, int)',
  'int socketpair(int, int, int, uintptr_t)',
  'int bind(int, uintptr_t, uint32_t)',
  'int connect(int, uintptr_t, uint32_t)',
  'int listen(int, int)',
  'int getsockname(int, uintptr_t, uintptr_t)',
  'int setsockopt(int, int, int, uintptr_t, uint32_t)',
  'int getsockopt(int, int, int, uintptr_t, uintptr_t)',
  'int close(int)',
  'int ioctl(int, unsigned long, uintptr_t)',
  'int setns(int, int)',
  'int dup(int)',
  'int dup3(int, int, int)',
  'int poll(uintptr_t, unsigned long, int)',
  'int epoll_create1(int)',
  'int epoll_ctl(int, int, int, uintptr_t)',
  'int epoll_wait(int, uintptr_t, int, int)',
  'int accept4(int, uintptr_t, uintptr_t, int)',
  'intptr_t recv(int, uintptr_t, size_t, int)',
  'intptr_t send(int, uintptr_t, size_t, int)',
  'int shutdown(int, int)',
  'intptr_t recvfrom(int, uintptr_t, size_t, int, uintptr_t, uintptr_t)',
  'intptr_t sendto(int, uintptr_t, size_t, int, uintptr_t, uint32_t)',
  'int recvmmsg(int, uintptr_t, unsigned int, int, uintptr_t)',
  'int sendmmsg(int, uintptr_t, unsigned int, int)',
  'int eventfd(unsigned int, int)',
  'int timerfd_create(int, int)',
  'int timerfd_settime(int, int, uintptr_t, uintptr_t)',
  'intptr_t read(int, uintptr_t, size_t)',
  'intptr_t write(int, uintptr_t, size_t)',
  'int memfd_create(uintptr_t, unsigned int)',
  'int ftruncate(int, int64_t)',
  'intptr_t mmap(uintptr_t, size_t, int, int, int, int64_t)',
  'int munmap(uintptr_t, size_t)',
  'int madvise(uintptr_t, size_t, int)',
  'int clock_gettime(int, uintptr_t)',
  'intptr_t getrandom(uintptr_t, size_t, unsigned int)',
  'int usleep(unsigned int)',
  'long syscall(long, long, uintptr_t, unsigned int, unsigned int)',
  'int capget(uintptr_t, uintptr_t)',
  'int capset(uintptr_t, uintptr_t)',
  'int pthread_sigmask(int, uintptr_t, uintptr_t)',
] as const;

/** Linux's numbers, equal on x86-64 and arm64 (asm-generic). */
export const OS = {
  AF_UNIX: 1,
  AF_INET: 2,
  AF_INET6: 10,
  AF_NETLINK: 16,
  SOCK_STREAM: 1,
  SOCK_DGRAM: 2,
  SOCK_RAW: 3,
  SOCK_NONBLOCK: 0o4000,
  SOCK_CLOEXEC: 0o2000000,
  SOL_SOCKET: 1,
  SO_REUSEADDR: 2,
  SO_TYPE: 3,
  SO_RCVBUF: 8,
  SO_LINGER: 13,
  SO_REUSEPORT: 15,
  SO_TIMESTAMPNS: 35,
  SO_RCVBUFFORCE: 33,
  SO_MEMINFO: 55,
  SO_BINDTOIFINDEX: 62,
  NETLINK_ROUTE: 0,
  IPPROTO_IP: 0,
  IPPROTO_TCP: 6,
  TCP_NODELAY: 1,
  TCP_QUICKACK: 12,
  TCP_USER_TIMEOUT: 18,
  IPPROTO_IPV6: 41,
  IP_PKTINFO: 8,
  IP_FREEBIND: 15,
  IPV6_V6ONLY: 26,
  IPV6_RECVPKTINFO: 49,
  IPV6_PKTINFO: 50,
  MSG_DONTWAIT: 0x40,
  MSG_TRUNC: 0x20,
  MSG_NOSIGNAL: 0x4000,
  SHUT_WR: 1,
  FIONBIO: 0x5421,
  POLLIN: 1,
  EPOLL_CLOEXEC: 0o2000000,
  EPOLL_CTL_ADD: 1,
  EPOLL_CTL_DEL: 2,
  EPOLL_CTL_MOD: 3,
  EPOLLIN: 1,
  EPOLLOUT: 4,
  EPOLLERR: 8,
  EPOLLHUP: 0x10,
  EFD_CLOEXEC: 0o2000000,
  EFD_NONBLOCK: 0o4000,
  TFD_CLOEXEC: 0o2000000,
  TFD_NONBLOCK: 0o4000,
  MFD_CLOEXEC: 1,
  PROT_READ_WRITE: 3,
  MAP_SHARED: 1,
  MADV_DONTNEED: 4,
  CLOCK_MONOTONIC: 1,
  CLOCK_REALTIME: 0,
  SIG_UNBLOCK: 1,
} as const;

let loaded: Libc | Error | undefined;

/** The C library, or the reason why koffi cannot load here (no prebuilt binary, no libc.so). */
export function loadLibc(): Libc | Error {
  loaded ??= open();
  return loaded;
}

/** The C library where its absence is a broken invariant: a caller that chose the system-call backend. */
export function requireLibc(): Libc {
  const libc = loadLibc();
  if (libc instanceof Error) throw libc;
  return libc;
}

function open(): Libc | Error {
  try {
    if (process.env['ZEROHOP_NO_KOFFI'] === '1')
      throw new Error('koffi is turned off by ZEROHOP_NO_KOFFI=1');
    const koffi = loadKoffi();
    const library = openLibrary(koffi);
    const calls: Record<string, unknown> = {};
    for (const signature of SIGNATURES) {
      const name = /(\w+)\(/.exec(signature)![1]!;
      calls[name] = library.func(signature);
    }
    calls['malloc_trim'] = find(library, 'int malloc_trim(size_t)');
    calls['errno'] = () => koffi.errno();
    calls['addressOf'] = (buffer: ArrayBuffer) => Number(koffi.address(buffer));
    calls['view'] = (address: Address, size: number) => koffi.view(BigInt(address), size);
    // A copy, which has fast properties: what is filled name by name becomes a hash table, to be searched at each call.
    return { ...calls } as unknown as Libc;
  } catch (cause) {
    return new Error('the system-call backend cannot load', { cause });
  }
}

type Koffi = typeof import('koffi').default;

/**
 * koffi's native part by its path, where the C library is glibc: the package around it takes 9 ms of CPU time to find it, in each
 * thread. Elsewhere the package.
 */
function loadKoffi(): Koffi {
  const load = createRequire(import.meta.url);
  const { arch } = process;
  try {
    return load(`@koromix/koffi-linux-${arch}/linux_${arch}/koffi.node`) as Koffi;
  } catch {
    return load('koffi') as Koffi;
  }
}

/** Undefined where the library has no such function. */
function find(library: ReturnType<typeof openLibrary>, signature: string) {
  try {
    return library.func(signature);
  } catch {
    return undefined;
  }
}

function openLibrary(koffi: Koffi) {
  try {
    return koffi.load('libc.so.6');
  } catch {
    return koffi.load('libc.so'); // musl
  }
}

/** Octets with a fixed address, alive as long as this object is. */
export class Pinned {
  readonly buffer: ArrayBuffer;
  readonly address: Address;
  readonly octets: Uint8Array<ArrayBuffer>;
  readonly words: Int32Array<ArrayBuffer>;

  constructor(libc: Libc, size: number) {
    this.buffer = new ArrayBuffer((size + 7) & ~7);
    this.address = libc.addressOf(this.buffer);
    this.octets = new Uint8Array(this.buffer);
    this.words = new Int32Array(this.buffer);
  }

  /** Writes a 64-bit pointer or size at a byte offset divisible by 8. */
  setPointer(offset: number, value: number): void {
    this.words[offset >> 2] = value | 0;
    this.words[(offset >> 2) + 1] = Math.floor(value / 0x1_0000_0000);
  }
}
