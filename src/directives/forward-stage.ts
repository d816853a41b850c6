/**
 * The `forward` lines of a server block at work: the first whose FROM has the name and whose `except` has not takes the
 * question; an answer whose rcode is in its `next` goes on to the following line instead, as in CoreDNS.
 */
import { type Clock, systemClock, wallClockS } from '../base/clock.ts';
import { errorText, type UpstreamResult } from '../upstream/failure.ts';
import { DEADLINE_MS, type Forward } from '../upstream/forward.ts';
import { isBelow, nameFromText } from '../wire/name.ts';
import { type Octets, setU16 } from '../wire/octets.ts';
import { HEADER_SIZE, RCODE } from '../wire/registry.ts';
import { buildUpstreamQuery } from '../wire/reply.ts';
import { type Response, readResponse } from '../wire/response.ts';
import type { Question, Resolution, Stage } from './resolution.ts';

interface Line {
  readonly forward: Forward;
  readonly from: Octets;
  readonly except: readonly Octets[];
}

/** A question on its way through the lines. */
interface AskedQuestion {
  readonly question: Question;
  readonly query: Octets;
  /** Of the client's question: all that is asked for it has this one together. */
  readonly deadlineAtMs: number;
}

/** One exchange with an upstream; who wants to know of each is told with its end. */
export interface ForwardedExchange {
  readonly question: Question;
  readonly query: Octets;
  readonly result: UpstreamResult;
  readonly durationMs: number;
}

export interface ForwardStageOptions {
  /** What our OPT offers to upstreams, in octets. */
  readonly udpSize: number;
  readonly clock?: Clock;
  readonly onExchange?: ((exchange: ForwardedExchange) => void) | undefined;
}

export class ForwardStage implements Stage {
  readonly name = 'forward';
  readonly #lines: readonly Line[];
  readonly #options: ForwardStageOptions;
  readonly #clock: Clock;

  /** The forwards are the stage's own from now on. */
  constructor(forwards: readonly Forward[], options: ForwardStageOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#lines = forwards.map((forward) => ({
      forward,
      from: nameFromText(forward.options.from)!,
      except: forward.options.except.map((name) => nameFromText(name)!),
    }));
  }

  resolve(question: Question): Promise<Resolution> | undefined {
    const first = this.#lineFor(question.qname, 0);
    if (first === -1) return undefined;
    const query = buildUpstreamQuery(question, this.#options.udpSize);
    const nowMs = this.#clock.nowMs();
    return this.#ask(first, { question, query, deadlineAtMs: nowMs + DEADLINE_MS }, query, nowMs);
  }

  close(): void {
    for (const { forward } of this.#lines) void forward.close();
  }

  /** The number of the first line from `from` on whose business the name is; -1: there is none. */
  #lineFor(qname: Octets, from: number): number {
    for (let at = from; at < this.#lines.length; at++) {
      const line = this.#lines[at]!;
      const isExcepted = line.except.some((name) => isBelow(qname, name));
      if (isBelow(qname, line.from) && !isExcepted) return at;
    }
    return -1;
  }

  /** One promise a question, since thousands of them may wait; more only where it is asked again. */
  #ask(at: number, asked: AskedQuestion, query: Octets, nowMs: number): Promise<Resolution> {
    const { forward } = this.#lines[at]!;
    const { question, deadlineAtMs } = asked;
    const { transport, qname } = question;
    const questionEnd = HEADER_SIZE + qname.length + 4;
    const deadlineMs = Math.max(0, deadlineAtMs - nowMs);
    return forward.exchange(query, { transport, deadlineMs, nowMs }).then((result) => {
      const endedAtMs = this.#clock.nowMs();
      const durationMs = endedAtMs - nowMs;
      this.#options.onExchange?.({ question, query, result, durationMs });
      if (result.ok) question.span?.tag('peer.address', result.to);
      const resolution = read(result, questionEnd);
      if (query === asked.query && lacksEdns(resolution)) {
        return this.#ask(at, asked, withoutEdns(query, questionEnd), endedAtMs);
      }
      if (!resolution.ok || !goesOn(forward, resolution.response)) return resolution;
      const next = this.#lineFor(qname, at + 1);
      return next === -1 ? resolution : this.#ask(next, asked, asked.query, endedAtMs);
    });
  }
}

/** Whether the answer is not this line's to give: `next` and `next_on_nodata`. */
function goesOn({ options }: Forward, { body, facts }: Response): boolean {
  if (options.next.includes(body.rcode)) return true;
  return options.nextOnNodata && body.rcode === RCODE.NOERROR && !facts.answersType;
}

function lacksEdns(resolution: Resolution): boolean {
  if (!resolution.ok) return false;
  const { body, facts } = resolution.response;
  return body.rcode === RCODE.FORMERR && !facts.hasOpt;
}

/** RFC 6891 §6.2.2: a server that does not know EDNS says FORMERR, so it is asked without. */
function withoutEdns(query: Octets, questionEnd: number): Octets {
  const plain = query.slice(0, questionEnd);
  setU16(plain, 10, 0);
  return plain;
}

function read(result: UpstreamResult, questionEnd: number): Resolution {
  if (!result.ok) {
    const { failure } = result;
    const rcode = failure.code === 'max_concurrent' ? RCODE.REFUSED : RCODE.SERVFAIL;
    return { ok: false, rcode, reason: errorText(failure) };
  }
  const response = readResponse(result.response, questionEnd, wallClockS());
  if (response === undefined) {
    // A client whose question was well formed is not told FORMERR for an upstream's fault.
    return { ok: false, rcode: RCODE.SERVFAIL, reason: `malformed response from ${result.to}` };
  }
  return { ok: true, response, by: 'forward', provenance: { upstream: result.to } };
}
