/**
 * Statistics of a network interface's driver, as `ethtool -S` shows them: the SIOCETHTOOL ioctl (linux/ethtool.h) with the commands
 * ETHTOOL_GSSET_INFO, ETHTOOL_GSTRINGS and ETHTOOL_GSTATS. No privilege is needed.
 */
import { ERRNO, SystemCallError } from './errno.ts';
import { type Libc, OS, Pinned } from './libc.ts';

const SIOCETHTOOL = 0x8946;
const GSTRINGS = 0x1b;
const GSTATS = 0x1d;
const GSSET_INFO = 0x37;
/** ETH_SS_STATS, the string set that names the statistics. */
const STATISTICS_SET = 1;
/** ETH_GSTRING_LEN. */
const NAME_SIZE = 32;
const INTERFACE_NAME_SIZE = 16;
/** `struct ifreq`: the name, and a union whose pointer is used. */
const REQUEST_SIZE = 40;
/** ENA with 32 queues has some 700; the bound is for a driver that says nonsense. */
const COUNT_MAX = 65_536;

/** By name; empty where the driver has none. Throws a SystemCallError: ENODEV where there is no such interface. */
export function driverStatistics(libc: Libc, name: string): Map<string, bigint> {
  const fd = libc.socket(OS.AF_INET, OS.SOCK_DGRAM | OS.SOCK_CLOEXEC, 0);
  if (fd < 0) throw new SystemCallError('socket', libc.errno());
  try {
    const ask = (data: Pinned) => request(libc, fd, name, data);
    const count = statisticsCount(libc, ask);
    return count === 0 ? new Map() : readStatistics(libc, ask, count);
  } finally {
    libc.close(fd);
  }
}

type Ask = (data: Pinned) => boolean;

/** False where the driver does not know the command. */
function request(libc: Libc, fd: number, name: string, data: Pinned): boolean {
  const octets = Buffer.from(name);
  if (octets.length >= INTERFACE_NAME_SIZE)
    throw new SystemCallError(`ethtool ${name}`, ERRNO.EINVAL);
  const frame = new Pinned(libc, REQUEST_SIZE);
  frame.octets.set(octets);
  frame.setPointer(INTERFACE_NAME_SIZE, data.address);
  if (libc.ioctl(fd, SIOCETHTOOL, frame.address) >= 0) return true;
  const error = new SystemCallError(`ethtool ${name}`, libc.errno());
  if (error.code === 'EOPNOTSUPP' || error.code === 'ENOTSUP') return false;
  throw error;
}

/** `struct ethtool_sset_info`: cmd, reserved, a 64-bit mask, and a word for each set in the mask. */
function statisticsCount(libc: Libc, ask: Ask): number {
  const info = new Pinned(libc, 24);
  info.words[0] = GSSET_INFO;
  info.words[2] = 1 << STATISTICS_SET;
  if (!ask(info) || info.words[2] === 0) return 0;
  return Math.min(info.words[4]!, COUNT_MAX);
}

/** `struct ethtool_gstrings` (cmd, set, count, names) and `struct ethtool_stats` (cmd, count, values). */
function readStatistics(libc: Libc, ask: Ask, count: number): Map<string, bigint> {
  const names = new Pinned(libc, 12 + count * NAME_SIZE);
  names.words.set([GSTRINGS, STATISTICS_SET, count]);
  const values = new Pinned(libc, 8 + count * 8);
  values.words.set([GSTATS, count]);
  if (!ask(names) || !ask(values)) return new Map();
  const statistics = new Map<string, bigint>();
  const view = new DataView(values.buffer);
  const decoder = new TextDecoder('latin1');
  // Between two commands the driver may have got fewer.
  const present = Math.min(names.words[2]!, values.words[1]!, count);
  for (let index = 0; index < present; index++) {
    const at = 12 + index * NAME_SIZE;
    const [name = ''] = decoder.decode(names.octets.subarray(at, at + NAME_SIZE)).split('\0');
    statistics.set(name, view.getBigUint64(8 + index * 8, true));
  }
  return statistics;
}
