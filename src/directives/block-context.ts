/** What a directive's reader knows of the server block around the directive, and whom it asks and tells. */
import type { Word } from '../corefile/ast.ts';
import type { FileSource } from '../corefile/file-source.ts';

/** Something that works but can hardly be meant; `at` is the word to look at. */
export interface Warning {
  readonly directive: string;
  readonly at: Word['at'];
  readonly problem: string;
}

export interface BlockContext {
  /** The block's own zones, lower-case FQDNs. */
  readonly zones: readonly string[];
  /** Of a `health` that names no address; undefined: CoreDNS's default. */
  readonly healthPort?: number | undefined;
  readonly files: Pick<FileSource, 'read'>;
  warn(warning: Warning): void;
}
