/**
 * What a Corefile asks for, as plain data, one `ServerConfig` a server block: it crosses to threads, and two can be
 * compared. Handlers are made from it elsewhere; nothing here listens, resolves or keeps anything.
 */
import type { CachePolicy } from '../cache/policy.ts';
import { CorefileError, type Directive, type ServerBlock } from '../corefile/ast.ts';
import type { FileSource } from '../corefile/file-source.ts';
import { printServerBlock } from '../corefile/printer.ts';
import type { ForwardOptions } from '../upstream/options.ts';
import { type BindOptions, boundWords, readBind } from './bind.ts';
import type { BlockContext, Warning } from './block-context.ts';
import { readBufsize } from './bufsize.ts';
import { readCache } from './cache.ts';
import { readDebug } from './debug.ts';
import { type Dns64Options, readDns64 } from './dns64.ts';
import { type DnstapOptions, readDnstap } from './dnstap.ts';
import { type ErrorsOptions, readErrors } from './errors.ts';
import { readForward } from './forward.ts';
import { type HealthOptions, readHealth } from './health.ts';
import { type HostsOptions, readHosts } from './hosts.ts';
import { checkOverlap } from './listener-overlap.ts';
import { type LoadbalanceOptions, readLoadbalance } from './loadbalance.ts';
import { type LogRule, readLog } from './log.ts';
import { readLoop } from './loop.ts';
import { readMetadata } from './metadata.ts';
import { DIRECTIVE_ORDER, type DirectiveName, isKnown } from './order.ts';
import { type PprofOptions, readPprof } from './pprof.ts';
import { type PrometheusOptions, readPrometheus } from './prometheus.ts';
import { type ReloadOptions, readReload } from './reload.ts';
import { readRewrite } from './rewrite.ts';
import type { RewriteRule } from './rewrite-rule.ts';
import { separateOptions } from './run-on-options.ts';
import type { TemplateOptions } from './template.ts';
import { readTemplates } from './template-loader.ts';
import { readTimeouts, type TimeoutOptions } from './timeouts.ts';
import { readTrace, type TraceOptions } from './trace.ts';
import { readWhoami } from './whoami.ts';
import { readZoneKeys, type ZoneKey } from './zone-key.ts';

export interface ServerConfig {
  /** In the order of the keys; at least one. */
  readonly zones: readonly ZoneKey[];
  /** The block printed canonically: alike for two blocks exactly if they hold the same words. */
  readonly canonical: string;
  /** The names of its directives, each once, in the order of the Corefile. */
  readonly directives: readonly DirectiveName[];
  /** Undefined: every address. */
  readonly bind: readonly BindOptions[] | undefined;
  readonly bufsize: number | undefined;
  readonly cache: CachePolicy | undefined;
  readonly debug: boolean;
  readonly dns64: Dns64Options | undefined;
  readonly dnstap: readonly DnstapOptions[];
  readonly errors: ErrorsOptions | undefined;
  /** In the order in which they are tried. */
  readonly forward: readonly ForwardOptions[];
  readonly health: HealthOptions | undefined;
  readonly hosts: HostsOptions | undefined;
  readonly loadbalance: LoadbalanceOptions | undefined;
  readonly log: readonly LogRule[];
  readonly loop: boolean;
  /** The zones whose queries have labels. */
  readonly metadata: readonly string[] | undefined;
  readonly pprof: PprofOptions | undefined;
  readonly prometheus: PrometheusOptions | undefined;
  readonly reload: ReloadOptions | undefined;
  /** In the order in which they are applied. */
  readonly rewrite: readonly RewriteRule[];
  /** In the order in which they are tried. */
  readonly template: readonly TemplateOptions[];
  readonly timeouts: TimeoutOptions;
  readonly trace: TraceOptions | undefined;
  readonly whoami: boolean;
}

export interface ServerBlockOptions {
  /** Of keys that name none; `-dns.port`. */
  readonly defaultPort: number;
  /** Of a `health` that names no address; `-health-port`. */
  readonly healthPort?: number | undefined;
  /** Reads the resolv.conf files of `forward`. */
  readonly files: Pick<FileSource, 'read'>;
  /** Told of what works but can hardly be meant. */
  readonly warn: (warning: Warning) => void;
}

/** Settings of each block, in file order; throws a `CorefileError` at the first thing that is wrong. */
export function readServerBlocks(
  blocks: readonly ServerBlock[],
  options: ServerBlockOptions,
): ServerConfig[] {
  const configs = blocks.map((block) => readServerBlock(block, options));
  checkOverlap(configs, boundWords);
  return configs;
}

function readServerBlock(block: ServerBlock, options: ServerBlockOptions): ServerConfig {
  const zones = block.keys.flatMap((key) => readZoneKeys(key, options.defaultPort));
  const byName = groupByName(block.directives);
  const linesOf = (name: DirectiveName) =>
    (byName.get(name) ?? []).map((line) => separateOptions(name, line, options.warn));
  const context: BlockContext = {
    zones: zones.map(({ zone }) => zone),
    healthPort: options.healthPort,
    files: options.files,
    warn: options.warn,
  };
  return {
    zones,
    canonical: printServerBlock(block),
    directives: [...byName.keys()],
    bind: readBind(linesOf('bind'), context),
    bufsize: readBufsize(linesOf('bufsize'), context),
    cache: readCache(linesOf('cache'), context),
    debug: readDebug(linesOf('debug')),
    dns64: readDns64(linesOf('dns64')),
    dnstap: readDnstap(linesOf('dnstap'), context),
    errors: readErrors(linesOf('errors'), context),
    forward: readForward(linesOf('forward'), context),
    health: readHealth(linesOf('health'), context),
    hosts: readHosts(linesOf('hosts'), context),
    loadbalance: readLoadbalance(linesOf('loadbalance'), context),
    log: readLog(linesOf('log'), context),
    loop: readLoop(linesOf('loop')),
    metadata: readMetadata(linesOf('metadata'), context),
    pprof: readPprof(linesOf('pprof'), context),
    prometheus: readPrometheus(linesOf('prometheus')),
    reload: readReload(linesOf('reload'), context),
    rewrite: readRewrite(linesOf('rewrite')),
    template: readTemplates(linesOf('template'), context),
    timeouts: readTimeouts(linesOf('timeouts')),
    trace: readTrace(linesOf('trace'), context),
    whoami: readWhoami(linesOf('whoami')),
  };
}

function groupByName(directives: readonly Directive[]): Map<DirectiveName, Directive[]> {
  const byName = new Map<DirectiveName, Directive[]>();
  for (const directive of directives) {
    const name = knownName(directive);
    const lines = byName.get(name);
    if (lines === undefined) byName.set(name, [directive]);
    else lines.push(directive);
  }
  return byName;
}

function knownName({ name }: Directive): DirectiveName {
  if (isKnown(name.text)) return name.text;
  const expected = `expected one of ${[...DIRECTIVE_ORDER].sort().join(', ')}`;
  throw new CorefileError(name.at, `Unknown directive '${name.text}': ${expected}`);
}
