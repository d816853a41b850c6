/** Where we can ask ourselves: the listeners of a generation that take queries to an address of our own. */
import type { Generation } from './generation.ts';
import type { ProofTarget } from './upstream-proof.ts';

/** In the order of the addresses; a listener on every address stands for each of them. */
export function proofTargets(
  generation: Generation | undefined,
  addresses: readonly string[],
): ProofTarget[] {
  if (generation === undefined) return [];
  return addresses.flatMap((host) =>
    generation.listeners
      .filter((listener) => listener.host === host || isWildcard(listener.host, host))
      .map(({ port, label, id }) => {
        const zones = generation.blocks
          .filter(({ config, listeners }) => {
            return config.forward.length > 0 && listeners.some((listener) => listener.id === id);
          })
          .flatMap(({ config }) => config.zones.filter((zone) => zone.port === port))
          .map(({ zone }) => zone);
        return { address: { host, port }, label, zones };
      }),
  );
}

function isWildcard(listenerHost: string, address: string): boolean {
  return listenerHost === '' || listenerHost === (address.includes(':') ? '::' : '0.0.0.0');
}
