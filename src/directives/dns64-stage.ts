/**
 * `dns64` at work, before the cache: an AAAA question that has no AAAA records is asked again for A, and its answer made of those
 * (RFC 6147 §5.1). What CoreDNS leaves out is left out here: PTR questions, and validation (RFC 6147 §3).
 */
import { addressOctets } from '../base/ip-address.ts';
import { type IpPrefix, prefixFromText } from '../base/ip-prefix.ts';
import { type ResourceRecord, responseOf, sectionsOf } from '../wire/records.ts';
import { FLAG, QCLASS, QTYPE, RCODE } from '../wire/registry.ts';
import type { Response } from '../wire/response.ts';
import type { Dns64Options } from './dns64.ts';
import type { Next, Question, Resolution, Stage } from './resolution.ts';

/** RFC 6147 §5.1.7: the TTL's bound where the AAAA answer has no SOA record. */
const TTL_MAX_S = 600;

export class Dns64Stage implements Stage {
  readonly name = 'dns64';
  readonly #options: Dns64Options;
  readonly #prefix: IpPrefix;
  readonly #onTranslated: (question: Question) => void;

  /** `onTranslated` is told of each answer that was made. */
  constructor(options: Dns64Options, onTranslated: (question: Question) => void) {
    this.#options = options;
    this.#prefix = prefixFromText(options.prefix)!;
    this.#onTranslated = onTranslated;
  }

  resolve(question: Question, next: Next): Promise<Resolution> | undefined {
    const isAddress = question.qtype === QTYPE.AAAA && question.qclass === QCLASS.IN;
    return isAddress && this.#isForAsker(question) ? this.#translate(question, next) : undefined;
  }

  #isForAsker({ asker }: Question): boolean {
    if (this.#options.allowIpv4) return true;
    return asker !== undefined && addressOctets(asker.peer().host)?.length !== 4;
  }

  async #translate(question: Question, next: Next): Promise<Resolution> {
    const original = await next(question);
    if (!original.ok || !this.#isDue(original.response)) return original;
    const addresses = await next({ ...question, qtype: QTYPE.A });
    if (!addresses.ok) return addresses;
    const response = this.#synthesize(question, original.response, addresses.response);
    if (response === undefined) return original;
    this.#onTranslated(question);
    return { ok: true, response, by: 'dns64' };
  }

  /** RFC 6147 §5.1.2: a name that does not exist has no addresses; any other answer without AAAA counts as empty. */
  #isDue({ body, facts }: Response): boolean {
    if (body.rcode === RCODE.NXDOMAIN) return false;
    return this.#options.translateAll || !facts.answersType;
  }

  /** Undefined where the longer addresses no longer fit into a message. */
  #synthesize(question: Question, original: Response, addresses: Response): Response | undefined {
    const ttlMaxS = original.facts.soaTtlS ?? TTL_MAX_S;
    const sections = sectionsOf(addresses.body, { ...question, qtype: QTYPE.A });
    const answer = sections.answer.map((record): ResourceRecord => {
      if (record.type !== QTYPE.A) return record;
      const ttlS = Math.min(record.ttlS, ttlMaxS);
      return { ...record, type: QTYPE.AAAA, ttlS, data: embed(record.data, this.#prefix) };
    });
    const { flags, rcode } = addresses.body;
    const parts = { flags: flags & ~(FLAG.AA | FLAG.AD), rcode, sections: { ...sections, answer } };
    return responseOf(question, parts);
  }
}

/** RFC 6052 §2.2: the address behind the prefix, but for octet 8, which stays zero. */
function embed(address: Uint8Array, { address: prefix, length }: IpPrefix): Uint8Array {
  const embedded = prefix.slice();
  let at = length / 8;
  for (const octet of address) {
    if (at === 8) at += 1;
    embedded[at++] = octet;
  }
  return embedded;
}
