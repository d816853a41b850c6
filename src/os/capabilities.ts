/**
 * Giving up capabilities (capabilities(7)). They belong to a thread: this changes the calling one and the threads it creates
 * afterwards, and there is no way back. Node's own helper threads, older than any program, keep theirs.
 */
import { SystemCallError } from './errno.ts';
import { type Libc, Pinned } from './libc.ts';

/** The ones that this program has a use for, by their numbers in linux/capability.h. */
export const CAPABILITY = {
  DAC_OVERRIDE: 1,
  DAC_READ_SEARCH: 2,
  NET_BIND_SERVICE: 10,
  NET_ADMIN: 12,
  NET_RAW: 13,
} as const;
export type Capability = (typeof CAPABILITY)[keyof typeof CAPABILITY];

/** _LINUX_CAPABILITY_VERSION_3: 64 capabilities as two words of each set. */
const VERSION = 0x20080522;
/** Words of the two `struct __user_cap_data_struct`: effective, permitted, inheritable, twice. */
const DATA_WORDS = 6;
const LOW_SETS = 3;

/** The ones above that this thread can use now; throws a SystemCallError. */
export function heldCapabilities(libc: Libc): ReadonlySet<Capability> {
  const { data } = readCapabilities(libc);
  return new Set(Object.values(CAPABILITY).filter((number) => (data.words[0]! >> number) & 1));
}

/** Keeps of this thread's capabilities only those named; throws a SystemCallError. */
export function keepCapabilities(libc: Libc, kept: readonly Capability[]): void {
  const { header, data } = readCapabilities(libc);
  const mask = kept.reduce((bits, capability) => bits | (1 << capability), 0);
  for (let set = 0; set < DATA_WORDS; set++) {
    data.words[set] = set < LOW_SETS ? data.words[set]! & mask : 0;
  }
  if (libc.capset(header.address, data.address) < 0) {
    throw new SystemCallError('capset', libc.errno());
  }
}

function readCapabilities(libc: Libc): { header: Pinned; data: Pinned } {
  const header = new Pinned(libc, 8);
  header.words[0] = VERSION;
  const data = new Pinned(libc, DATA_WORDS * 4);
  if (libc.capget(header.address, data.address) < 0) {
    throw new SystemCallError('capget', libc.errno());
  }
  return { header, data };
}
