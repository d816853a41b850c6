/**
 * A descriptor that can be read again and again after the same time (timerfd_create(2)). A wait for it needs no time-out: the kernel
 * sets up a timer for each wait that has one and takes it back at its end, and a wait for a query rarely lasts that long.
 */
import { SystemCallError } from './errno.ts';
import { type Libc, OS, Pinned } from './libc.ts';

/** `struct itimerspec`: the period and the time until the first tick, each in seconds and nanoseconds of eight octets. */
const ITIMERSPEC_SIZE = 32;

export class Ticker {
  readonly fd: number;
  readonly #libc: Libc;
  /** How many ticks there were. */
  readonly #count: Pinned;

  /** The first tick comes after a period as well. Throws a SystemCallError. */
  constructor(libc: Libc, periodMs: number) {
    this.#libc = libc;
    this.#count = new Pinned(libc, 8);
    this.fd = libc.timerfd_create(OS.CLOCK_MONOTONIC, OS.TFD_CLOEXEC | OS.TFD_NONBLOCK);
    if (this.fd < 0) throw new SystemCallError('timerfd_create', libc.errno());
    const time = new Pinned(libc, ITIMERSPEC_SIZE);
    for (const at of [0, 16]) {
      time.setPointer(at, Math.trunc(periodMs / 1000));
      time.setPointer(at + 8, (periodMs % 1000) * 1e6);
    }
    if (libc.timerfd_settime(this.fd, 0, time.address, 0) < 0) {
      const errno = libc.errno();
      this.close();
      throw new SystemCallError('timerfd_settime', errno);
    }
  }

  /** Takes the tick that made it readable. */
  take(): void {
    this.#libc.read(this.fd, this.#count.address, 8);
  }

  close(): void {
    this.#libc.close(this.fd);
  }
}
