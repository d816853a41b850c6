/**
 * Takes spans and sends them to a collector in batches, over HTTP with undici, which is loaded with the first batch. One request is
 * under way at a time. Bounded: spans that wait; beyond, and where a collector does not take a batch, spans are dropped and counted.
 */
import type { Log } from '../base/log.ts';
import type { SpanRecord } from './recorded-span.ts';
import { spanRequest } from './span-format.ts';
import type { TraceOptions } from './trace.ts';
import type { SpanSink } from './trace-stage.ts';

/** zipkin-go's time-out for a request. */
const REQUEST_TIMEOUT_MS = 5_000;

export interface SpanExporterDependencies {
  readonly log: Log;
  /** Spans that reach no collector. */
  readonly onDropped: (count: number) => void;
}

export class SpanExporter implements SpanSink {
  readonly #options: TraceOptions;
  readonly #deps: SpanExporterDependencies;
  readonly #timer: NodeJS.Timeout;
  #waiting: SpanRecord[] = [];
  #isSending = false;

  constructor(options: TraceOptions, deps: SpanExporterDependencies) {
    this.#options = options;
    this.#deps = deps;
    this.#timer = setInterval(() => void this.#send(), options.intervalMs);
    this.#timer.unref();
  }

  add(span: SpanRecord): void {
    this.#waiting.push(span);
    if (this.#waiting.length > this.#options.backlogMax) {
      this.#waiting.shift();
      this.#deps.onDropped(1);
    }
    if (this.#waiting.length >= this.#options.batchMax) void this.#send();
  }

  /** What waits is sent, if the collector takes it in time. */
  close(): void {
    clearInterval(this.#timer);
    void this.#send();
  }

  async #send(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#options.batchMax);
      const problem = await this.#post(batch).catch((error: Error) => error.message);
      if (problem === undefined) continue;
      this.#deps.onDropped(batch.length);
      this.#deps.log.warn(`${batch.length} spans dropped: ${this.#options.url}: ${problem}`);
      break;
    }
    this.#isSending = false;
  }

  /** What went wrong, if anything did. */
  async #post(batch: readonly SpanRecord[]): Promise<string | undefined> {
    const { request } = await import('undici');
    const { statusCode, body } = await request(this.#options.url, {
      ...spanRequest(batch, this.#options),
      headersTimeout: REQUEST_TIMEOUT_MS,
      bodyTimeout: REQUEST_TIMEOUT_MS,
    });
    await body.dump();
    return statusCode < 300 ? undefined : `HTTP status ${statusCode}`;
  }
}
