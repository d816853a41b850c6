/** OPT records as CoreDNS's library prints them, and their options (RFC 6891 §6.1). Other options are shown by number, in hexadecimal. */
import { addressText } from '../base/ip-address.ts';
import { type Octets, u16 } from './octets.ts';
import type { ResourceRecord } from './records.ts';

export interface EdnsOption {
  readonly code: number;
  readonly data: Octets;
}

/** Those before the first malformed one. */
export function ednsOptions(octets: Octets): readonly EdnsOption[] {
  const options: EdnsOption[] = [];
  for (let at = 0; at + 4 <= octets.length; ) {
    const end = at + 4 + u16(octets, at + 2);
    if (end > octets.length) break;
    options.push({ code: u16(octets, at), data: octets.subarray(at + 4, end) });
    at = end;
  }
  return options;
}

function hex(data: Octets): string {
  return Buffer.from(data).toString('hex');
}

interface OptionForm {
  readonly title: string;
  /** Undefined where the data is malformed. */
  readonly text: (data: Octets) => string | undefined;
}

/** By code. */
const FORMS: ReadonlyMap<number, OptionForm> = new Map([
  [3, { title: 'NSID', text: hex }],
  [8, { title: 'SUBNET', text: subnetText }],
  [9, { title: 'EXPIRE', text: expireText }],
  [10, { title: 'COOKIE', text: hex }],
  [11, { title: 'KEEPALIVE', text: keepaliveText }],
  [12, { title: 'PADDING', text: (data: Octets) => hex(data).toUpperCase() }],
]);

export function ednsOptionText({ code, data }: EdnsOption): string {
  return FORMS.get(code)?.text(data) ?? `${code}:0x${hex(data)}`;
}

/** RFC 7871 §6: the address is cut to its prefix. */
function subnetText(data: Octets): string | undefined {
  const size = { 1: 4, 2: 16 }[data.length < 4 ? 0 : u16(data, 0)];
  if (size === undefined || data.length - 4 > size) return undefined;
  const address = new Uint8Array(size);
  address.set(data.subarray(4));
  const text = size === 4 ? addressText(address) : `[${addressText(address)}]`;
  return `${text}/${data[2]}/${data[3]}`;
}

/** RFC 7314: empty in queries. */
function expireText(data: Octets): string | undefined {
  if (data.length === 0) return '';
  return data.length === 4 ? String(Buffer.from(data).readUInt32BE()) : undefined;
}

/** RFC 7828 §3.1: tenths of a second. */
function keepaliveText(data: Octets): string | undefined {
  if (data.length !== 0 && data.length !== 2) return undefined;
  const timeout = data.length === 0 ? 0 : u16(data, 0);
  return `use tcp keep-alive, timeout ${timeout === 0 ? 'omitted' : `${timeout * 100}ms`}`;
}

/** Starts with an empty line. */
export function optText({ rclass, ttlS, data }: ResourceRecord): string {
  const flags = (ttlS & 0x8000 ? ' do' : '') + (ttlS & 0x4000 ? ' co' : '');
  const reserved = ttlS & 0x3fff;
  const mustBeZero = reserved === 0 ? '' : `MBZ: 0x${reserved.toString(16).padStart(4, '0')}, `;
  const version = `version ${(ttlS >>> 16) & 0xff}; flags:${flags}; ${mustBeZero}udp: ${rclass}`;
  const lines = ednsOptions(data).map((option) => {
    return `\n; ${FORMS.get(option.code)?.title ?? 'LOCAL OPT'}: ${ednsOptionText(option)}`;
  });
  return `\n;; OPT PSEUDOSECTION:\n; EDNS: ${version}${lines.join('')}`;
}
