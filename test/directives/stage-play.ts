/**
 * One stage of a chain, asked in text, with what stands behind it in text: records are lines such as
 * `www.example.org 30 A 192.0.2.1`, those of the authority and the additional section begin with `authority` and `additional`.
 * Messages are encoded and decoded by dns-packet.
 */
import assert from 'node:assert/strict';
import * as dnsPacket from 'dns-packet';
import {
  type Asker,
  chainOf,
  type Question,
  type Resolution,
  type Stage,
} from '../../src/directives/resolution.ts';
import { lowerName, nameFromText, nameToText } from '../../src/wire/name.ts';
import { QueryFields, readQuery } from '../../src/wire/query.ts';
import { classFromName, rcodeName, typeFromName, typeName } from '../../src/wire/registry.ts';
import { BodySource, buildUpstreamQuery, writeReply } from '../../src/wire/reply.ts';
import { type Response, readResponse } from '../../src/wire/response.ts';

/** What a name and type have behind the stage; a text alone is the reason of a failure with SERVFAIL. */
export type Behind = Readonly<
  Record<string, string | { readonly rcode?: number; readonly records?: readonly string[] }>
>;

export interface AskOptions {
  /** The client's address; default 192.0.2.99, port 4711. Undefined: nobody asks. */
  readonly client?: string | undefined;
  readonly transport?: 'udp' | 'tcp';
  readonly qclass?: string;
}

const SERVFAIL = 2;

export class StagePlay {
  /** Questions that came to what stands behind, as `NAME TYPE`, with EDNS options as ` CODE=HEX`. */
  readonly asked: string[] = [];
  readonly #stage: Stage;
  readonly #behind: Behind;

  constructor(stage: Stage, behind: Behind = {}) {
    this.#stage = stage;
    this.#behind = behind;
  }

  /** The rcode (if not NOERROR) and the records that the stage gives for `NAME TYPE`. */
  async ask(text: string, options: AskOptions = {}): Promise<string[]> {
    const question = questionFrom(text, options);
    const resolution = await this.resolve(question);
    if (!resolution.ok) return [`${rcodeName(resolution.rcode)}: ${resolution.reason}`];
    return linesOf(question, resolution.response);
  }

  resolve(question: Question): Promise<Resolution> {
    const next = (asked: Question) => Promise.resolve(this.#answer(asked));
    return chainOf([this.#stage], next)(question);
  }

  #answer(question: Question): Resolution {
    const key = `${nameToText(question.qname)} ${typeName(question.qtype)}`;
    const options = (question.ednsOptions ?? []).map(
      ({ code, data }) => ` ${code}=${Buffer.from(data).toString('hex')}`,
    );
    this.asked.push(key + options.join(''));
    const answer = this.#behind[key];
    if (answer === undefined)
      return { ok: false, rcode: SERVFAIL, reason: `nothing behind for ${key}` };
    if (typeof answer === 'string') return { ok: false, rcode: SERVFAIL, reason: answer };
    const { rcode = 0, records = [] } = answer;
    return { ok: true, response: responseFrom(question, rcode, records), by: 'forward' };
  }
}

export function questionFrom(text: string, options: AskOptions = {}): Question {
  const [name = '', type = 'A'] = text.split(' ');
  const { client = '192.0.2.99', transport = 'udp', qclass = 'IN' } = options;
  const isAsked = !('client' in options) || options.client !== undefined;
  const asker: Asker = {
    query: new Uint8Array(0),
    peer: () => ({ host: client, port: 4711 }),
    local: () => ({ host: '192.0.2.53', port: 53 }),
  };
  return {
    qname: lowerName(nameFromText(name)!),
    qtype: typeFromName(type)!,
    qclass: classFromName(qclass)!,
    opcode: 0,
    rd: true,
    cd: false,
    dnssecOk: false,
    transport,
    asker: isAsked ? asker : undefined,
  };
}

function responseFrom(question: Question, rcode: number, records: readonly string[]): Response {
  const sectionOf = (name: string) =>
    records
      .filter((line) => (/^(authority|additional) /.exec(line)?.[1] ?? 'answer') === name)
      .map((line) => recordFrom(line.replace(/^(authority|additional) /, '')));
  const name = nameToText(question.qname).replace(/\.$/, '');
  const message = dnsPacket.encode({
    type: 'response',
    flags: 0x80 | rcode,
    questions: [{ name, type: typeName(question.qtype) as 'A' }],
    answers: sectionOf('answer'),
    authorities: sectionOf('authority'),
    additionals: sectionOf('additional'),
  });
  const end = 12 + question.qname.length + 4;
  const response = readResponse(Uint8Array.from(message), end, 0);
  assert(response, 'the answer behind is well formed');
  return response;
}

function recordFrom(line: string): dnsPacket.Answer {
  const [name, ttl, type, ...data] = line.split(' ');
  return { name, ttl: Number(ttl), type, data: dataFrom(type!, data) } as dnsPacket.Answer;
}

function dataFrom(type: string, words: readonly string[]): unknown {
  const [first, second, third, target] = words;
  if (type === 'MX') return { preference: Number(first), exchange: second };
  if (type === 'SRV') {
    return { priority: Number(first), weight: Number(second), port: Number(third), target };
  }
  if (type !== 'SOA') return first;
  const numbers = { serial: 1, refresh: 2, retry: 3, expire: 4, minimum: 5 };
  return { mname: first, rname: second, ...numbers };
}

function linesOf(question: Question, { body }: Response): string[] {
  const out = new Uint8Array(65_536);
  const query = new QueryFields();
  const octets = buildUpstreamQuery({ ...question, ednsOptions: [] }, 65_535);
  out.set(octets);
  readQuery(out, 0, octets.length, query);
  const source = new BodySource();
  source.setBody(body, -1);
  const size = writeReply(out, 0, query, source, 65_535);
  const decoded = dnsPacket.decode(Buffer.from(out.subarray(0, size)));
  const rcode = body.rcode === 0 ? [] : [rcodeName(body.rcode)];
  const lines = (records: readonly dnsPacket.Answer[] = [], prefix = '') =>
    records.filter(({ type }) => type !== 'OPT').map((record) => `${prefix}${textOf(record)}`);
  return [
    ...rcode,
    ...lines(decoded.answers),
    ...lines(decoded.authorities, 'authority '),
    ...lines(decoded.additionals, 'additional '),
  ];
}

function textOf(record: dnsPacket.Answer): string {
  const { name, type, ttl, data } = record as {
    name: string;
    type: string;
    ttl: number;
    data: unknown;
  };
  return `${name || '.'} ${ttl} ${type} ${dataText(type, data)}`;
}

function dataText(type: string, data: unknown): string {
  const fields = data as Record<string, unknown>;
  if (type === 'MX') return `${fields['preference']} ${fields['exchange']}`;
  if (type === 'SRV') {
    const { priority, weight, port, target } = fields;
    return `${priority} ${weight} ${port} ${target || '.'}`;
  }
  if (type === 'SOA') return `${fields['mname']} ${fields['rname']}`;
  return Buffer.isBuffer(data) ? data.toString('hex') : String(data);
}
