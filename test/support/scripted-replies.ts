/**
 * Replies for the handler of a `ScriptedUpstream`: what upstreams say most often, in dns-packet's form. Each has RD as the
 * query has it, and RA.
 */
import type * as dnsPacket from 'dns-packet';
import { FLAG } from './messages.ts';
import type { UpstreamQuery } from './scripted-upstream.ts';

/** A reply with addresses (A or AAAA as the question asks), RA set. */
export function addresses(
  query: UpstreamQuery,
  values: string | readonly string[],
  ttl = 30,
): dnsPacket.Packet {
  const { name, type } = query.question;
  const list = typeof values === 'string' ? [values] : values;
  const answers = list.map((data) => ({ type, name, ttl, data }) as dnsPacket.Answer);
  return { flags: (query.decoded.flags & FLAG.RD) | FLAG.RA, answers };
}

/** A negative response: `rcode` 3 for NXDOMAIN, 0 for NODATA, with the SOA of `zone` (RFC 2308 §2). */
export function negative(
  query: UpstreamQuery,
  rcode: 0 | 3,
  zone: string,
  ttl = 5,
): dnsPacket.Packet {
  const data = { mname: `ns.${zone}`, rname: `hostmaster.${zone}`, serial: 1, refresh: 7200 };
  const soa: dnsPacket.SoaAnswer = {
    type: 'SOA',
    name: zone,
    ttl,
    data: { ...data, retry: 1800, expire: 86_400, minimum: ttl },
  };
  return { flags: (query.decoded.flags & FLAG.RD) | FLAG.RA | rcode, authorities: [soa] };
}

/** A reply of only a header and the question: SERVFAIL (2), REFUSED (5), or 0 with `FLAG.TC` to force TCP. */
export function bare(query: UpstreamQuery, rcode: number, flags = 0): dnsPacket.Packet {
  return { flags: (query.decoded.flags & FLAG.RD) | FLAG.RA | flags | rcode };
}
