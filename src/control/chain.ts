/**
 * The stages of a server block, made from its settings in the order of the chain: `front` ones stand before the cache, the
 * others behind it. A chain lives as long as a block with the same settings serves, across reloads.
 */
import { ForwardStage } from '../directives/forward-stage.ts';
import type { Stage } from '../directives/resolution.ts';
import type { ServerConfig } from '../directives/server-config.ts';
import type { Forward } from '../upstream/forward.ts';
import type { ForwardOptions } from '../upstream/options.ts';

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
}

export interface ChainDependencies {
  readonly createForward: (options: ForwardOptions) => Forward;
}

/** Throws where something that the settings name cannot be used, such as a certificate; nothing is left open then. */
export function createChain(config: ServerConfig, deps: ChainDependencies): Chain {
  const forwards: Forward[] = [];
  try {
    for (const options of config.forward) forwards.push(deps.createForward(options));
  } catch (error) {
    for (const forward of forwards) void forward.close();
    throw error;
  }
  const stages: Stage[] = [];
  if (forwards.length > 0) stages.push(new ForwardStage(forwards, config.bufsize ?? UDP_SIZE));
  return { forwards, front: [], stages };
}

/** Gives up what the stages hold; they are asked nothing any more. */
export function closeChain({ front, stages }: Chain): void {
  for (const stage of [...front, ...stages]) stage.close?.();
}
