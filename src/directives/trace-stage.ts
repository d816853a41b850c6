/**
 * `trace` at work, before all others that answer: of every so many queries one is followed through the chain, each stage in a span of
 * its own (CoreDNS's names: `servedns`, then the directives').
 */
import { type Clock, systemClock } from '../base/clock.ts';
import { nameToText } from '../wire/name.ts';
import { rcodeName, typeName } from '../wire/registry.ts';
import { RecordedSpan, type SpanRecord } from './recorded-span.ts';
import type { Next, Question, Resolution, Stage } from './resolution.ts';
import type { TraceOptions } from './trace.ts';

/** Where spans go. */
export interface SpanSink {
  add(span: SpanRecord): void;
  close(): void;
}

export class TraceStage implements Stage {
  readonly name = 'trace';
  readonly #every: number;
  readonly #separator: string;
  readonly #sink: SpanSink;
  readonly #clock: Clock;
  #count = 0;

  /** The sink is the stage's own from now on. */
  constructor({ every, kind }: TraceOptions, sink: SpanSink, clock: Clock = systemClock) {
    this.#every = every;
    this.#separator = kind === 'datadog' ? '@' : '/';
    this.#sink = sink;
    this.#clock = clock;
  }

  resolve(question: Question, next: Next): Promise<Resolution> | undefined {
    if (this.#every === 0 || ++this.#count < this.#every) return undefined;
    this.#count = 0;
    return this.#traced(question, next);
  }

  close(): void {
    this.#sink.close();
  }

  async #traced(question: Question, next: Next): Promise<Resolution> {
    const span = RecordedSpan.start('servedns', this.#clock, (record) => this.#sink.add(record));
    const { traceId } = span;
    try {
      const resolution = await next({ ...question, span });
      this.#describe(span, question, resolution);
      return { ...resolution, provenance: { ...resolution.provenance, traceId } };
    } finally {
      span.end();
    }
  }

  #describe(span: RecordedSpan, question: Question, resolution: Resolution): void {
    const tag = (key: string, value: string) =>
      span.tag(`coredns.io${this.#separator}${key}`, value);
    tag('name', nameToText(question.qname));
    tag('type', typeName(question.qtype));
    tag('proto', question.transport);
    tag('remote', question.asker?.peer().host ?? '');
    tag('rcode', rcodeName(resolution.ok ? resolution.response.body.rcode : resolution.rcode));
    if (!resolution.ok && resolution.reason !== undefined) span.fail(resolution.reason);
  }
}
