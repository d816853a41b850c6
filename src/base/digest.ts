/** Digests of small texts without node:crypto, whose loading takes 1.4 MB, of which a daemon without TLS uses nothing else. */
import { sha256, sha512 } from '@noble/hashes/sha2.js';

const DIGESTS = { sha256, sha512 };

/** What JavaScript digests in a millisecond or two; more is worth loading the native code for. */
const NATIVE_FROM_OCTETS = 65_536;

/** Of the parts in a row, text as UTF-8. */
export function digestOf(
  name: keyof typeof DIGESTS,
  parts: readonly (string | Uint8Array)[],
): Buffer {
  const octets = Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)),
  );
  if (octets.length < NATIVE_FROM_OCTETS) return Buffer.from(DIGESTS[name](octets));
  return process.getBuiltinModule('node:crypto').createHash(name).update(octets).digest();
}
