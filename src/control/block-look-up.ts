/**
 * The addresses of servers that a `forward` names by host name, asked of our own server block for `.`, as it serves at the moment:
 * of the stages behind its cache, since the TTL decides when to ask again. The block's own servers, and those of a configuration
 * without such a block, are looked up by the system.
 *
 * The block is asked itself, whatever zone the name is below. So a server below its own stub domain is no loop: the name is
 * looked up where the rest of the world is, and found if it is known there.
 */
import { isIP } from 'node:net';
import type { Log } from '../base/log.ts';
import type { ServerConfig } from '../directives/server-config.ts';
import {
  type HostAddresses,
  type HostLookUp,
  joinFamilies,
  systemLookUp,
} from '../upstream/host-look-up.ts';
import type { ForwardOptions } from '../upstream/options.ts';
import { answeredAddresses } from '../wire/addresses.ts';
import { isBelow, nameFromText } from '../wire/name.ts';
import { QCLASS, QTYPE, RCODE, rcodeName } from '../wire/registry.ts';
import type { Generation, RunningBlock } from './generation.ts';

export class BlockLookUp {
  readonly #log: Log;
  readonly #serving = Promise.withResolvers<void>();
  #generation: Generation | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  /** What serves from now on; look-ups before the first wait for it. */
  serve(generation: Generation): void {
    this.#generation = generation;
    this.#serving.resolve();
  }

  /** How the servers of a `forward` of this block are looked up. */
  lookUpFor(options: ForwardOptions, config: ServerConfig): HostLookUp {
    if (isRoot(config)) return systemLookUp;
    if (options.resolvers.length === 0) this.#warnOfOwn(options, config);
    const port = config.zones[0]!.port;
    return async (name) => {
      await this.#serving.promise;
      const blocks = this.#generation!.blocks.filter((block) => isRoot(block.config));
      const samePort = blocks.find((block) =>
        block.config.zones.some((zone) => zone.port === port),
      );
      const root = samePort ?? blocks[0];
      if (root === undefined) return systemLookUp(name);
      return joinFamilies([QTYPE.A, QTYPE.AAAA].map((qtype) => ask(root, name, qtype)));
    };
  }

  #warnOfOwn({ to }: ForwardOptions, { zones }: ServerConfig): void {
    const hosts = to.map(({ host }) => host);
    for (const host of new Set(hosts.filter((name) => isIP(name) === 0))) {
      const name = nameFromText(host)!;
      const own = zones.find(({ zone }) => isBelow(name, nameFromText(zone)!));
      if (own === undefined) continue;
      this.#log.warn(
        `${host}, a server of ${own.zone}, is below that zone itself: the servers of '.' are asked for its address; ` +
          'where they do not know it, give an IP address instead',
      );
    }
  }
}

function isRoot({ zones }: ServerConfig): boolean {
  return zones.some(({ zone }) => zone === '.');
}

async function ask({ block }: RunningBlock, name: string, qtype: number): Promise<HostAddresses> {
  const resolution = await block.ask({
    qname: nameFromText(name.toLowerCase())!,
    qtype,
    qclass: QCLASS.IN,
    opcode: 0,
    rd: true,
    cd: false,
    dnssecOk: false,
    transport: 'udp',
    asker: undefined,
  });
  if (!resolution.ok) throw new Error(resolution.reason);
  const { body } = resolution.response;
  if (body.rcode !== RCODE.NOERROR) throw new Error(rcodeName(body.rcode));
  const found = answeredAddresses(body);
  if (found.addresses.length === 0) throw new Error('no address');
  return found;
}
