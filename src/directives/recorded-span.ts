/** The spans of a traced query: what each step of its way took, told to an exporter as they end. */
import type { Clock } from '../base/clock.ts';
import { randomHex } from '../os/random.ts';
import type { Span } from './resolution.ts';

export interface SpanRecord {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly id: string;
  /** Undefined: the trace's first. */
  readonly parentId: string | undefined;
  readonly name: string;
  /** Since 1970. */
  readonly startUs: number;
  readonly durationUs: number;
  readonly tags: Readonly<Record<string, string>>;
  /** What went wrong. */
  readonly error: string | undefined;
}

/** What all spans of a trace share. */
interface Trace {
  readonly id: string;
  readonly clock: Clock;
  /** Add it to the monotonic clock's milliseconds for those since 1970, as they were when the trace began. */
  readonly wallOffsetMs: number;
  readonly onEnd: (record: SpanRecord) => void;
}

export class RecordedSpan implements Span {
  readonly #trace: Trace;
  readonly #id = randomHex(8);
  readonly #parentId: string | undefined;
  readonly #name: string;
  readonly #startedAtMs: number;
  readonly #tags: Record<string, string> = {};
  #error: string | undefined;

  private constructor(trace: Trace, name: string, parentId: string | undefined) {
    this.#trace = trace;
    this.#name = name;
    this.#parentId = parentId;
    this.#startedAtMs = trace.clock.nowMs();
  }

  /** The first span of a new trace. */
  static start(name: string, clock: Clock, onEnd: (record: SpanRecord) => void): RecordedSpan {
    const id = randomHex(16);
    const wallOffsetMs = Date.now() - clock.nowMs();
    return new RecordedSpan({ id, clock, wallOffsetMs, onEnd }, name, undefined);
  }

  get traceId(): string {
    return this.#trace.id;
  }

  child(name: string): RecordedSpan {
    return new RecordedSpan(this.#trace, name, this.#id);
  }

  tag(key: string, value: string): void {
    this.#tags[key] = value;
  }

  fail(error: string): void {
    this.#error = error;
  }

  end(): void {
    const { id: traceId, clock, wallOffsetMs, onEnd } = this.#trace;
    onEnd({
      traceId,
      id: this.#id,
      parentId: this.#parentId,
      name: this.#name,
      startUs: Math.round((this.#startedAtMs + wallOffsetMs) * 1000),
      durationUs: Math.max(1, Math.round((clock.nowMs() - this.#startedAtMs) * 1000)),
      tags: this.#tags,
      error: this.#error,
    });
  }
}
