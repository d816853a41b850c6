/** What rules look at: server blocks as words, with their places, and as settings, as the daemon's own readers made them. */
import type { Directive, Position, ServerBlock } from '../corefile/ast.ts';
import type { ServerConfig } from '../directives/server-config.ts';
import { isReverseZone } from '../directives/zone-key.ts';

export interface LintBlock {
  readonly ast: ServerBlock;
  /** Of the directives that are right; the others have findings of their own. */
  readonly config: ServerConfig;
}

export interface Subject {
  readonly blocks: readonly LintBlock[];
  /** The placeholder, or placeholders, that stood at a place; undefined where none did. */
  readonly placeholderAt: (at: Position) => string | undefined;
  /** Names of environment variables that the Corefile refers to and nobody has set, with their places. */
  readonly unsetVariables: readonly { readonly name: string; readonly at: Position }[];
  /** Whether /etc/resolv.conf is that of the node; else its servers are not known. */
  readonly knowsResolvConf: boolean;
}

/** The lines of a directive in a block. */
export function linesOf({ ast }: LintBlock, name: string): readonly Directive[] {
  return ast.directives.filter((line) => line.name.text === name);
}

/** Where to point at when something is missing from a block. */
export function keyOf({ ast }: LintBlock): Position {
  return ast.keys[0]!.at;
}

/** The last of an option's lines in a directive's block, which is the one that counts. */
export function optionOf(line: Directive, name: string): Directive | undefined {
  return line.block?.findLast((option) => option.name.text === name);
}

export function zonesOf({ config }: LintBlock): readonly string[] {
  return config.zones.map(({ zone }) => zone);
}

export function servesRoot(block: LintBlock): boolean {
  return zonesOf(block).includes('.');
}

/** Blocks for names of the cluster: neither the root nor reverse zones. */
export function servesCluster(block: LintBlock): boolean {
  return zonesOf(block).some((zone) => zone !== '.' && !isReverseZone(zone));
}
