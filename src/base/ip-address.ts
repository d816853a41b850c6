/**
 * IP addresses between text and octets (RFC 4291 §2.2, RFC 5952 for IPv6). `node:net` checks and formats them but does not
 * give their octets, which socket addresses and reverse zones need.
 */
import { isIPv4, isIPv6 } from 'node:net';

/** 127.0.0.0/8 and ::1 (RFC 6890), the former also as an IPv6 socket shows it. */
export function isLoopback(address: string): boolean {
  const plain = address.replace(/^::ffff:/, '');
  return plain === '::1' || (isIPv4(plain) && plain.startsWith('127.'));
}

/** 4 or 16 octets of an address without zone; undefined where the text is none. */
export function addressOctets(text: string): Uint8Array | undefined {
  if (isIPv4(text)) return Uint8Array.from(text.split('.'), Number);
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const [head, tail] = text.split('::') as [string, string | undefined];
  const left = groupOctets(head);
  const right = groupOctets(tail ?? '');
  return Uint8Array.from([
    ...left,
    ...new Array(16 - left.length - right.length).fill(0),
    ...right,
  ]);
}

function groupOctets(groups: string): number[] {
  if (groups === '') return [];
  return groups.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

/** The text of 4 or 16 octets; IPv6 as RFC 5952 §4 shortens it. */
export function addressText(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join('.');
  const groups = Array.from({ length: 8 }, (_, index) =>
    ((octets[2 * index]! << 8) | octets[2 * index + 1]!).toString(16),
  );
  const zeros = longestZeroRun(groups);
  if (zeros.count < 2) return groups.join(':');
  return `${groups.slice(0, zeros.start).join(':')}::${groups.slice(zeros.start + zeros.count).join(':')}`;
}

function longestZeroRun(groups: readonly string[]): { start: number; count: number } {
  let best = { start: 0, count: 0 };
  for (let start = 0; start < groups.length; start++) {
    let count = 0;
    while (groups[start + count] === '0') count += 1;
    if (count > best.count) best = { start, count };
  }
  return best;
}

/** `1.2.3.4:53`, `[2001:db8::1]:53`, `:53` for no host: as Go joins them. */
export function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
