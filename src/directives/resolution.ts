/**
 * The chain of a server block, as CoreDNS has it: each stage takes a question or hands it, changed or not, to the stages behind
 * it, and may change what comes back. `front` stages stand before the cache and see every answer, cached ones too; the
 * cache is a stage itself; those behind it are asked once, however many wait, and what they say is cached.
 *
 *   front (trace, dns64, loadbalance) -> cache -> rewrite -> template -> hosts -> forward -> whoami
 *
 * Observers stand beside the chain and only look on: they are told of each reply.
 */
import type { Octets } from '../wire/octets.ts';
import type { EdnsOption } from '../wire/reply.ts';
import type { Response } from '../wire/response.ts';

/** A question in the one shape in which it is asked, whoever asks: that of its cache key. */
export interface Question {
  /** Lower-case, uncompressed. */
  readonly qname: Octets;
  readonly qtype: number;
  readonly qclass: number;
  readonly opcode: number;
  readonly rd: boolean;
  readonly cd: boolean;
  readonly dnssecOk: boolean;
  /** What our question to an upstream carries; `rewrite` sets it. */
  readonly ednsOptions?: readonly EdnsOption[];
  /** How the client came; a stage that asks others may do likewise. */
  readonly transport: 'udp' | 'tcp';
  /** Whose query asks this first; undefined where nobody waits for the answer (a refresh). */
  readonly asker: Asker | undefined;
  /**
   * Asks the whole server another question, from the choice of a zone on, as if it came from the same client: for targets that
   * may be anybody's. SERVFAIL where one query has led to too many; undefined outside of a server.
   */
  readonly askAgain?: Next;
  /** Whether `askAgain` was asked it. */
  readonly isInner?: boolean;
  /** Where the question is traced: the span that its stages' spans are children of. */
  readonly span?: Span;
}

/** One step of a traced question (plugin `trace`). */
export interface Span {
  readonly traceId: string;
  child(name: string): Span;
  tag(key: string, value: string): void;
  end(): void;
}

/** How an answer came to be: what the labels of `metadata` tell. */
export interface Provenance {
  /** Who answered, `HOST:PORT`; undefined where the answer was cached or made here. */
  readonly upstream?: string | undefined;
  readonly traceId?: string | undefined;
}

/** The client whose query a question comes from; others may wait for the same answer. */
export interface Asker {
  /** The query as it came. */
  readonly query: Octets;
  readonly peer: () => HostPort;
  /** Our address that the client asked. */
  readonly local: () => HostPort;
}

export type Resolution =
  | {
      readonly ok: true;
      readonly response: Response;
      readonly by: StageName;
      readonly provenance?: Provenance | undefined;
    }
  /**
   * No answer could be had: the client gets this rcode, nothing is cached. `reason` is for the `errors` log; undefined where it is
   * no error but what the settings ask for.
   */
  | {
      readonly ok: false;
      readonly rcode: number;
      readonly reason: string | undefined;
      readonly provenance?: Provenance | undefined;
    };

/** Who wrote an answer: the `plugin` label of `coredns_dns_responses_total`. */
export type StageName =
  | 'cache'
  | 'dns64'
  | 'forward'
  | 'hosts'
  | 'loadbalance'
  | 'rewrite'
  | 'template'
  | 'whoami';

/** Asks the stages behind. */
export type Next = (question: Question) => Promise<Resolution>;

export interface Stage {
  /** The directive. */
  readonly name: string;
  /** Undefined: not mine, ask the next. */
  resolve(question: Question, next: Next): Promise<Resolution> | undefined;
  /** Whether the answer is the asker's own: identical questions of others are not answered with it, unless by the cache. */
  readonly isPersonal?: boolean;
  /** Gives up timers, files and connections; after the last question. */
  close?(): void;
}

/** Asks stages in their order; `last` is asked where none takes the question. */
export function chainOf(stages: readonly Stage[], last: Next): Next {
  return stages.reduceRight<Next>((next, stage) => {
    const ask: Next = (question) => stage.resolve(question, next) ?? next(question);
    return (question) => spanned(stage.name, question, ask);
  }, last);
}

/** Asks within a span of its own, where the question is traced. */
export function spanned(name: string, question: Question, ask: Next): Promise<Resolution> {
  if (question.span === undefined) return ask(question);
  const span = question.span.child(name);
  return ask({ ...question, span }).finally(() => span.end());
}

/** One end of what a query came over; the host is an IP address. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** One reply that left, or is about to. */
export interface ReplyReport {
  readonly query: Octets;
  /** The octets of the reply; valid during the call only. */
  readonly reply: Octets;
  readonly protocol: 'udp' | 'tcp';
  readonly durationMs: number;
  /** The client. */
  readonly peer: () => HostPort;
  /** Our address that the client asked. */
  readonly local: () => HostPort;
  /** Why there is no answer, where there is none. */
  readonly failure: string | undefined;
  readonly provenance: Provenance | undefined;
}

export interface Observer {
  replied(report: ReplyReport): void;
}
