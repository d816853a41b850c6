/**
 * Addresses as the load generator keeps them (a signed 32-bit number) in the text form of dns-packet.
 */

/** `10.1.2.3` of 0x0a010203. */
export function dottedAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.');
}
