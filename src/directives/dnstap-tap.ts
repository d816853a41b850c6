/**
 * `dnstap` at work: each query of a client and its reply, and each exchange with an upstream, as a pair of messages to a sink. Both of a
 * pair are told when the reply is there.
 */
import { hostname } from 'node:os';
import { splitHostPort } from './address.ts';
import type { DnstapOptions } from './dnstap.ts';
import { encodeTap, TAP_PROTOCOL, TAP_TYPE, type TapMessage } from './dnstap-message.ts';
import type { TapSink } from './dnstap-sink.ts';
import type { ForwardedExchange } from './forward-stage.ts';
import type { Labels } from './labels.ts';
import { exchangeOf, LogFormat } from './log-format.ts';
import type { HostPort, Observer, ReplyReport } from './resolution.ts';

const CARRIAGES = {
  udp: TAP_PROTOCOL.UDP,
  tcp: TAP_PROTOCOL.TCP,
  tls: TAP_PROTOCOL.DOT,
  https: TAP_PROTOCOL.DOH,
} as const;

export class DnstapTap implements Observer {
  readonly #options: DnstapOptions;
  readonly #envelope: { readonly identity: string; readonly version: string };
  readonly #extra: LogFormat;
  readonly #labels: Labels;
  readonly #sink: TapSink;

  /** `version`: of this program, where the settings name none. The sink is the tap's own from now on. */
  constructor(options: DnstapOptions, version: string, labels: Labels, sink: TapSink) {
    this.#options = options;
    this.#envelope = {
      identity: options.identity ?? hostname(),
      version: options.version ?? version,
    };
    this.#extra = new LogFormat(options.extra);
    this.#labels = labels;
    this.#sink = sink;
  }

  replied(report: ReplyReport): void {
    const exchange = this.#options.extra === '' ? undefined : exchangeOf(report, this.#labels);
    const extra = exchange === undefined ? '' : this.#extra.fill(exchange);
    const respondedAtMs = wallMs();
    const common = {
      protocol: TAP_PROTOCOL[report.protocol === 'tcp' ? 'TCP' : 'UDP'],
      querier: report.peer(),
      responder: report.local(),
      queriedAtMs: respondedAtMs - report.durationMs,
    };
    this.#push(extra, TAP_TYPE.CLIENT_QUERY, { ...common, query: report.query });
    const response = { ...common, respondedAtMs, response: report.reply };
    this.#push(extra, TAP_TYPE.CLIENT_RESPONSE, response);
  }

  readonly exchanged = ({ question, query, result, durationMs }: ForwardedExchange): void => {
    if (!result.ok) return;
    const respondedAtMs = wallMs();
    const common = {
      protocol: CARRIAGES[result.transport],
      querier: question.asker?.peer(),
      responder: hostPortOf(result.to),
      queriedAtMs: respondedAtMs - durationMs,
    };
    this.#push('', TAP_TYPE.FORWARDER_QUERY, { ...common, query });
    const response = { ...common, respondedAtMs, response: result.response };
    this.#push('', TAP_TYPE.FORWARDER_RESPONSE, response);
  };

  close(): void {
    this.#sink.close();
  }

  #push(extra: string, type: number, fields: Partial<TapMessage>): void {
    const { query, response } = this.#options.isFull ? fields : {};
    const message = { ...EMPTY, ...fields, type, query, response };
    this.#sink.push(encodeTap({ ...this.#envelope, extra }, message));
  }
}

const EMPTY: TapMessage = {
  type: 0,
  protocol: TAP_PROTOCOL.UDP,
  querier: undefined,
  responder: undefined,
  queriedAtMs: 0,
  respondedAtMs: undefined,
  query: undefined,
  response: undefined,
};

/** With fractions: a reply may follow its query within a millisecond. */
function wallMs(): number {
  return performance.timeOrigin + performance.now();
}

function hostPortOf(text: string): HostPort | undefined {
  const parts = splitHostPort(text);
  return parts && { host: parts.host, port: Number(parts.port) };
}
