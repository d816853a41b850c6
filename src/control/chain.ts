/**
 * The stages of a server block, made from its settings in the order of the chain: `front` ones stand before the cache, the
 * others behind it. A chain lives as long as a block with the same settings serves, across reloads.
 */
import type { Log } from '../base/log.ts';
import { Dns64Stage } from '../directives/dns64-stage.ts';
import type { DnstapOptions } from '../directives/dnstap.ts';
import { ConnectedSink, ListeningSink } from '../directives/dnstap-sink.ts';
import { DnstapTap } from '../directives/dnstap-tap.ts';
import { type ForwardedExchange, ForwardStage } from '../directives/forward-stage.ts';
import { HostsStage } from '../directives/hosts-stage.ts';
import { Labels } from '../directives/labels.ts';
import { LoadbalanceStage } from '../directives/loadbalance-stage.ts';
import type { Question, Stage } from '../directives/resolution.ts';
import { RewriteStage } from '../directives/rewrite-stage.ts';
import type { ServerConfig } from '../directives/server-config.ts';
import { SpanExporter } from '../directives/span-exporter.ts';
import type { TemplateMatch } from '../directives/template-data.ts';
import { createTemplateStage } from '../directives/template-loader.ts';
import type { TemplateCounts } from '../directives/template-stage.ts';
import { TraceStage } from '../directives/trace-stage.ts';
import { WhoamiStage } from '../directives/whoami-stage.ts';
import type { Families } from '../metrics/families.ts';
import { serverLabel } from '../server/client.ts';
import type { Forward } from '../upstream/forward.ts';
import type { ForwardOptions } from '../upstream/options.ts';
import { VERSION } from './version.ts';

/**
 * Without a `bufsize`: what our OPT offers to upstreams, and the largest reply over UDP, whatever a client (or somebody in its
 * name) says that it takes. DNS Flag Day 2020's 1232 passes nearly everywhere unfragmented.
 */
export const UDP_SIZE = 1232;

export interface Chain {
  /** Those that `forward` asks, for whoever wants to look at them. */
  readonly forwards: readonly Forward[];
  readonly front: readonly Stage[];
  readonly stages: readonly Stage[];
  /** Who is told of every reply for as long as the chain lives. */
  readonly taps: readonly DnstapTap[];
}

export interface ChainDependencies {
  readonly log: Log;
  readonly families: Families;
  readonly createForward: (options: ForwardOptions, config: ServerConfig) => Forward;
}

/** Throws where something that the settings name cannot be used, such as a certificate; nothing is left open then. */
export function createChain(config: ServerConfig, deps: ChainDependencies): Chain {
  const taps: DnstapTap[] = [];
  const forwards: Forward[] = [];
  try {
    for (const options of config.dnstap) taps.push(tapOf(options, config, deps));
    for (const options of config.forward) forwards.push(deps.createForward(options, config));
  } catch (error) {
    for (const tap of taps) tap.close();
    for (const forward of forwards) void forward.close();
    throw error;
  }
  const stages = stagesOf(config, forwards, taps, deps);
  return { forwards, front: frontOf(config, deps), stages, taps };
}

function tapOf(
  options: DnstapOptions,
  { metadata }: ServerConfig,
  { log, families }: ChainDependencies,
): DnstapTap {
  const onDropped = (count: number) => {
    families.dnstapMessagesDropped.cell().value += count;
  };
  const onSinkRefused = () => {
    families.dnstapSinksRefused.cell().value += 1;
  };
  const sinkDeps = { log: log.plugin('dnstap'), onDropped, onSinkRefused };
  const sink = options.listens
    ? new ListeningSink(options, sinkDeps)
    : new ConnectedSink(options, sinkDeps);
  return new DnstapTap(options, `Zerohop-${VERSION}`, new Labels(metadata), sink);
}

function frontOf(
  { trace, dns64, loadbalance }: ServerConfig,
  { log, families }: ChainDependencies,
): Stage[] {
  const front: Stage[] = [];
  if (trace) {
    const onDropped = (count: number) => {
      families.traceSpansDropped.cell().value += count;
    };
    const exporter = new SpanExporter(trace, { log: log.plugin('trace'), onDropped });
    front.push(new TraceStage(trace, exporter));
  }
  if (dns64) {
    const countTranslated = ({ asker }: Question) => {
      const { host = '', port = 0 } = asker?.local() ?? {};
      families.dns64Translated.cell(serverLabel(host, port)).value += 1;
    };
    front.push(new Dns64Stage(dns64, countTranslated));
  }
  if (loadbalance) {
    front.push(new LoadbalanceStage(loadbalance, log.plugin('loadbalance'), randomBelow));
  }
  return front;
}

function stagesOf(
  { metadata, rewrite, template, hosts, bufsize, whoami }: ServerConfig,
  forwards: readonly Forward[],
  taps: readonly DnstapTap[],
  { log, families }: ChainDependencies,
): Stage[] {
  const stages: Stage[] = [];
  const labels = new Labels(metadata);
  if (rewrite.length > 0) stages.push(new RewriteStage(rewrite, labels));
  if (template.length > 0) {
    stages.push(createTemplateStage(template, { labels, counts: templateCounts(families) }));
  }
  if (hosts) {
    const onLoad = (entryCount: number, changedAtMs: number) => {
      families.hostsEntries.cell(hosts.path).value = entryCount;
      families.hostsReloadTime.cell().value = changedAtMs / 1000;
    };
    stages.push(new HostsStage(hosts, { log: log.plugin('hosts'), onLoad }));
  }
  if (forwards.length > 0) {
    const onExchange = (exchange: ForwardedExchange) => {
      for (const tap of taps) tap.exchanged(exchange);
    };
    stages.push(
      new ForwardStage(forwards, {
        udpSize: bufsize ?? UDP_SIZE,
        onExchange: taps.length > 0 ? onExchange : undefined,
      }),
    );
  }
  if (whoami) stages.push(new WhoamiStage());
  return stages;
}

/** Refreshes count for the server that was asked last: they ask for what it has answered before. */
function templateCounts(families: Families): TemplateCounts {
  // As in upstream-metrics.ts: the zero comes before the first.
  for (const language of ['template', 'expression']) families.templateBoundsExceeded.cell(language);
  let server = '';
  const labelsOf = ({ asker }: Question, { zone, qclass, qtype }: TemplateMatch) => {
    if (asker) server = serverLabel(asker.local().host, asker.local().port);
    return [server, zone, '', qclass, qtype] as const;
  };
  return {
    matched: (question, match) => {
      families.templateMatches.cell(...labelsOf(question, match)).value += 1;
    },
    failed: (what, question, match, section, template) => {
      const family = what === 'rr' ? families.templateRrFailures : families.templateFailures;
      family.cell(...labelsOf(question, match), section, template).value += 1;
    },
    boundExceeded: (language) => {
      families.templateBoundsExceeded.cell(language).value += 1;
    },
  };
}

/** Cheap, and good enough for an order. */
function randomBelow(limit: number): number {
  return Math.floor(Math.random() * limit);
}

/** Gives up what the stages hold; they are asked nothing any more. */
export function closeChain({ front, stages, taps }: Chain): void {
  for (const stage of [...front, ...stages]) stage.close?.();
  for (const tap of taps) tap.close();
}
