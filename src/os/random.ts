/**
 * Unpredictable octets, from the kernel's generator as node:crypto has them. Loading that takes 1.4 MB, of which a daemon without TLS uses
 * nothing else.
 */
import { type Libc, loadLibc, Pinned } from './libc.ts';

const DRAW_OCTETS = 4096;

/** One for the thread. */
let drawn: Pinned | undefined;

export function fillRandom(octets: Uint8Array, libc: Libc | Error = loadLibc()): void {
  if (libc instanceof Error || !draw(libc, octets)) {
    process.getBuiltinModule('node:crypto').randomFillSync(octets);
  }
}

/** A whole number of so many octets, six at most. */
export function randomUint(octetCount: number): number {
  return randomBuffer(octetCount).readUIntBE(0, octetCount);
}

export function randomHex(octetCount: number): string {
  return randomBuffer(octetCount).toString('hex');
}

function randomBuffer(octetCount: number): Buffer {
  const octets = Buffer.alloc(octetCount);
  fillRandom(octets);
  return octets;
}

/** False where the kernel refuses: getrandom(2) is since Linux 3.17, and a filter may know nothing of it. */
function draw(libc: Libc, octets: Uint8Array): boolean {
  drawn ??= new Pinned(libc, DRAW_OCTETS);
  for (let at = 0; at < octets.length; ) {
    const size = libc.getrandom(drawn.address, Math.min(DRAW_OCTETS, octets.length - at), 0);
    if (size <= 0) return false;
    octets.set(drawn.octets.subarray(0, size), at);
    at += size;
  }
  return true;
}
