/** Character-strings (RFC 1035 §5.1): text with `\DDD` for any octet and `\X` for any character. */
import type { Octets } from './octets.ts';

const PIECE = /\\(\d{3})|\\(\D)|([^\\]+)/suy;

/** The octets of a text without its quotes; undefined where an escape is none. */
export function characterString(text: string): Octets | undefined {
  const parts: Octets[] = [];
  for (let at = 0; at < text.length; at = PIECE.lastIndex) {
    PIECE.lastIndex = at;
    const [, digits, escaped, plain] = PIECE.exec(text) ?? [];
    if (digits !== undefined && Number(digits) <= 255) parts.push(Uint8Array.of(Number(digits)));
    else if (digits === undefined && (escaped ?? plain) !== undefined) {
      parts.push(Buffer.from((escaped ?? plain)!));
    } else return undefined;
  }
  return Uint8Array.from(Buffer.concat(parts));
}

/** The text of octets, without quotes: what a quoted text cannot hold is escaped. */
export function characterStringText(octets: Octets): string {
  let text = '';
  for (const octet of octets) {
    if (octet < 0x20 || octet > 0x7e) text += `\\${String(octet).padStart(3, '0')}`;
    else
      text +=
        octet === 0x22 || octet === 0x5c
          ? `\\${String.fromCharCode(octet)}`
          : String.fromCharCode(octet);
  }
  return text;
}
