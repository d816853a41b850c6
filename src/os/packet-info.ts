/**
 * The packet information of a received datagram, made ready to be sent back: the answer then leaves from the address that
 * was asked (ip(7), RFC 3542 §6). The interface index is zeroed so that routing chooses the way out.
 */
import { OS } from './libc.ts';

/** A control block starts with the arrival time: `struct cmsghdr` and a `struct timespec`. */
export const TIMESTAMP_SIZE = 32;
const SIZE_IPV4 = 32;
const SIZE_IPV6 = 40;
/** Words of the interface index behind the block's start. */
const INDEX_WORD_IPV4 = 4;
const INDEX_WORD_IPV6 = 8;
const LEVEL_WORD = 2;

/** Zeroes the index of the packet information at a word index; returns the block's size in octets. */
export function readyPacketInfo(words: Int32Array, at: number): number {
  const isIpv6 = words[at + LEVEL_WORD] === OS.IPPROTO_IPV6;
  words[at + (isIpv6 ? INDEX_WORD_IPV6 : INDEX_WORD_IPV4)] = 0;
  return isIpv6 ? SIZE_IPV6 : SIZE_IPV4;
}
