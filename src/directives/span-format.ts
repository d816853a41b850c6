/** Spans as collectors read them: Zipkin's v2 JSON, Datadog's v0.4 JSON, and OTLP's JSON (opentelemetry-proto 1). */
import type { SpanRecord } from './recorded-span.ts';
import type { TraceOptions } from './trace.ts';

export interface SpanRequest {
  readonly method: 'POST' | 'PUT';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** `trace.proto`: a span of a server, of its own; and the status of a failure. */
const OTLP = { KIND_INTERNAL: 1, KIND_SERVER: 2, STATUS_ERROR: 2 } as const;

export function spanRequest(spans: readonly SpanRecord[], options: TraceOptions): SpanRequest {
  const json = { 'content-type': 'application/json' };
  switch (options.kind) {
    case 'zipkin':
      return { method: 'POST', headers: json, body: zipkinBody(spans, options) };
    case 'otlp':
      return { method: 'POST', headers: json, body: otlpBody(spans, options) };
    case 'datadog': {
      const traces = Map.groupBy(spans, ({ traceId }) => traceId);
      const headers = { ...json, 'x-datadog-trace-count': String(traces.size) };
      return { method: 'PUT', headers, body: datadogBody([...traces.values()], options) };
    }
  }
}

function zipkinBody(spans: readonly SpanRecord[], { service }: TraceOptions): string {
  return JSON.stringify(
    spans.map(({ traceId, id, parentId, name, startUs, durationUs, tags, error }) => ({
      traceId,
      id,
      parentId,
      name,
      kind: parentId === undefined ? 'SERVER' : undefined,
      timestamp: startUs,
      duration: durationUs,
      localEndpoint: { serviceName: service },
      tags: error === undefined ? tags : { ...tags, error },
    })),
  );
}

function otlpBody(spans: readonly SpanRecord[], { service }: TraceOptions): string {
  const attribute = (key: string, value: string) => ({ key, value: { stringValue: value } });
  const otlpSpans = spans.map(
    ({ traceId, id, parentId, name, startUs, durationUs, tags, error }) => ({
      traceId,
      spanId: id,
      parentSpanId: parentId,
      name,
      kind: parentId === undefined ? OTLP.KIND_SERVER : OTLP.KIND_INTERNAL,
      startTimeUnixNano: `${startUs}000`,
      endTimeUnixNano: `${startUs + durationUs}000`,
      attributes: Object.entries(tags).map(([key, value]) => attribute(key, value)),
      status: error === undefined ? undefined : { code: OTLP.STATUS_ERROR, message: error },
    }),
  );
  const scopeSpans = [{ scope: { name: 'zerohop' }, spans: otlpSpans }];
  const resource = { attributes: [attribute('service.name', service)] };
  return JSON.stringify({ resourceSpans: [{ resource, scopeSpans }] });
}

/** Ids are numbers of 64 bits there; 52 are what JSON carries without harm. Times are nanoseconds, written as digits. */
function datadogBody(
  traces: readonly (readonly SpanRecord[])[],
  { service, analyticsRate }: TraceOptions,
): string {
  const number = (id: string) => Number.parseInt(id.slice(-13), 16);
  const nanoseconds = (us: number) => `@${us}000@`;
  const datadogTraces = traces.map((spans) =>
    spans.map(({ traceId, id, parentId, name, startUs, durationUs, tags, error }) => ({
      trace_id: number(traceId),
      span_id: number(id),
      parent_id: parentId === undefined ? 0 : number(parentId),
      name,
      resource: tags['coredns.io@name'] ?? name,
      service,
      type: 'dns',
      start: nanoseconds(startUs),
      duration: nanoseconds(durationUs),
      error: error === undefined ? 0 : 1,
      meta:
        error === undefined ? tags : { ...tags, 'error.message': error, 'error.type': 'dns_error' },
      metrics: parentId === undefined ? { '_dd1.sr.eausr': analyticsRate } : {},
    })),
  );
  return JSON.stringify(datadogTraces).replaceAll(/"@(\d+)@"/g, '$1');
}
