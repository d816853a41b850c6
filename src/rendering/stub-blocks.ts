/**
 * Server blocks for the stub domains of the kube-dns ConfigMap, as node-cache writes them: `errors`, `cache 30`, `bind` to the local
 * addresses, `forward` to the servers. They are made as parsed words, never as text, so no value can be anything but a word, and
 * no reference to an environment variable in it is expanded.
 */
import { isIP } from 'node:net';
import type { Directive, Position, ServerBlock } from '../corefile/ast.ts';
import { canonicalAddress } from '../directives/address.ts';
import { type BindOptions, readBind } from '../directives/bind.ts';
import { readZoneKeys, type ZoneKey } from '../directives/zone-key.ts';
import type { Problem } from './problem.ts';

/** node-cache's, in seconds. */
const CACHE_TTL = '30';

export interface StubBlockOptions {
  /** The file of `stubDomains`, for errors. */
  readonly path: string;
  /** `-dns.port`. */
  readonly port: number;
  readonly localIps: readonly string[];
}

export interface StubBlocks {
  readonly blocks: readonly ServerBlock[];
  readonly problems: readonly Problem[];
}

/** A server block of the template, as far as others can be in its way. */
interface Served {
  readonly zones: readonly ZoneKey[];
  readonly bind: readonly BindOptions[] | undefined;
}

/** One block a domain, in the order given; a domain that the template serves itself is left to it. */
export function stubBlocks(
  stubDomains: ReadonlyMap<string, readonly string[]>,
  template: readonly ServerBlock[],
  { path, port, localIps }: StubBlockOptions,
): StubBlocks {
  const at = { file: path, line: 1, column: 1 };
  const served = template.map((block) => servedBy(block, port));
  // Blocks of one port `bind` all or none.
  const atPort = served.filter(({ zones }) => zones.some((zone) => zone.port === port));
  const isBound = atPort.length === 0 || atPort.some(({ bind }) => bind !== undefined);
  const blocks: ServerBlock[] = [];
  const problems: Problem[] = [];
  for (const [domain, servers] of stubDomains) {
    const rival = atPort.find((block) => isInTheWay(block, domain, port, localIps));
    if (rival === undefined) {
      blocks.push(stubBlock(`${domain}:${port}`, servers, isBound ? localIps : [], at));
    } else {
      const { file, line, column } = rival.zones[0]!.at;
      problems.push({
        kind: 'duplicate',
        text:
          `${path}: "${domain}": ${file}:${line}:${column} serves this zone already: ` +
          'expected a domain that no server block of the template has',
      });
    }
  }
  return { blocks, problems };
}

function servedBy({ keys, directives }: ServerBlock, port: number): Served {
  return {
    zones: keys.flatMap((key) => readZoneKeys(key, port)),
    bind: readBind(
      directives.filter(({ name }) => name.text === 'bind'),
      { warn: () => {} },
    ),
  };
}

/** An interface in `bind` may have any address. */
function isInTheWay(
  { zones, bind }: Served,
  domain: string,
  port: number,
  localIps: readonly string[],
): boolean {
  if (!zones.some((zone) => zone.zone === `${domain}.` && zone.port === port)) return false;
  if (bind === undefined) return true;
  const words = bind.flatMap(({ to }) => to.map(({ text }) => canonicalAddress(text) ?? text));
  return words.some((word) => isIP(word) === 0 || localIps.includes(word) || isAny(word));
}

function isAny(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

function stubBlock(
  key: string,
  servers: readonly string[],
  localIps: readonly string[],
  at: Position,
): ServerBlock {
  const line = (name: string, ...args: readonly string[]): Directive => ({
    name: { text: name, at },
    args: args.map((text) => ({ text, at })),
    block: undefined,
  });
  const bind = localIps.length > 0 ? [line('bind', ...localIps)] : [];
  return {
    keys: [{ text: key, at }],
    directives: [
      line('errors'),
      line('cache', CACHE_TTL),
      ...bind,
      line('forward', '.', ...servers),
    ],
  };
}
