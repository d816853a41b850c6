/**
 * Extended DNS errors (RFC 8914): an option of the OPT record of a reply that says more than its rcode. Added behind a reply
 * that is written already, so that the way of every other reply is as short as before.
 *
 *   ... OPT: 0 | 41 | size | rcode, version, flags | RDLENGTH | 15 | 2 + n | code | n octets of text
 */
import { type Octets, setU16, u16 } from './octets.ts';

/** IANA's number of the option. */
const OPTION_CODE = 15;
/** Option code, option length, error code. */
const FIXED_SIZE = 6;

export interface ExtendedError {
  readonly code: number;
  /** For people; may be empty. */
  readonly text: string;
}

/**
 * Adds the error to the reply at the start of `out`, `size` octets with an OPT record at their end; returns the new size. Where
 * `limit` octets do not hold the text it is left out (RFC 8914 §3), and so is the whole.
 */
export function addExtendedError(
  out: Octets,
  size: number,
  limit: number,
  { code, text }: ExtendedError,
): number {
  const whole = Buffer.from(text);
  const octets = size + FIXED_SIZE + whole.length <= limit ? whole : whole.subarray(0, 0);
  const end = size + FIXED_SIZE + octets.length;
  if (end > limit) return size;
  // OPT had no options before, so RDLENGTH is the reply's last word.
  setU16(out, size - 2, u16(out, size - 2) + end - size);
  setU16(out, size, OPTION_CODE);
  setU16(out, size + 2, 2 + octets.length);
  setU16(out, size + 4, code);
  out.set(octets, size + FIXED_SIZE);
  return end;
}
