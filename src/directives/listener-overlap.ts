/**
 * What server blocks must agree on, since those of one port share its listeners: each zone is served by one block on one
 * address, and either all blocks of a port `bind` or none does.
 */
import { CorefileError, type Position } from '../corefile/ast.ts';
import type { BindOptions } from './bind.ts';
import type { ZoneKey } from './zone-key.ts';

/** As much of a server block as is compared. */
export interface BoundBlock {
  readonly zones: readonly ZoneKey[];
  readonly bind: readonly BindOptions[] | undefined;
}

/**
 * Throws a `CorefileError` that names both places. `addressesOf` says where a `bind` listens: the words themselves while
 * interfaces are unknown (`boundWords`), else their addresses (`boundAddresses`).
 */
export function checkOverlap(
  blocks: readonly BoundBlock[],
  addressesOf: (bind: readonly BindOptions[]) => readonly string[],
): void {
  checkBindByPort(blocks);
  const served = new Map<string, Position>();
  for (const { zones, bind } of blocks) {
    const addresses = bind === undefined ? ['every address'] : addressesOf(bind);
    for (const { zone, port, at } of zones) {
      for (const address of addresses) {
        const listener = `${zone}:${port} on ${address}`;
        const other = served.get(listener);
        if (other !== undefined) {
          throw new CorefileError(
            at,
            `cannot serve ${listener}: it is served at ${placeText(other)} already`,
          );
        }
        served.set(listener, at);
      }
    }
  }
}

/** Without `bind` a listener takes every address, and which of two gets a packet is up to the kernel. */
function checkBindByPort(blocks: readonly BoundBlock[]): void {
  const firstByPort = new Map<number, { isBound: boolean; at: Position }>();
  for (const { zones, bind } of blocks) {
    for (const { port, at } of zones) {
      const isBound = bind !== undefined;
      const first = firstByPort.get(port) ?? { isBound, at };
      firstByPort.set(port, first);
      if (first.isBound === isBound) continue;
      const [here, there] = isBound ? ['has', 'not'] : ['has no', 'has one'];
      const problem = `this block ${here} bind, that at ${placeText(first.at)} ${there}`;
      throw new CorefileError(
        at,
        `${problem}: expected it in all blocks of port ${port} or in none`,
      );
    }
  }
}

function placeText({ file, line, column }: Position): string {
  return `${file}:${line}:${column}`;
}
