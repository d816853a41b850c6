/** What `nft list` prints, read as far as it is needed to see whether rules are still what they were. Pure. */

/** A set or a chain. */
export interface ListedBlock {
  /** `set lease4`, `chain output`. */
  readonly name: string;
  /** Declaration and rules as printed, without indentation and elements. */
  readonly lines: readonly string[];
  readonly elements: readonly string[];
}

export interface ListedTable {
  /** With its family: `inet zerohop`. */
  readonly name: string;
  readonly blocks: readonly ListedBlock[];
}

/** The tables of a listing; made with `-nn`, names do not hide numbers. */
export function readListing(listing: string): ListedTable[] {
  const tables: { name: string; blocks: { name: string; lines: string[] }[] }[] = [];
  for (const line of listing.split('\n')) {
    const depth = /^\t*/.exec(line)![0].length;
    const text = line.trim();
    const name = /^(.*?) \{/.exec(text)?.[1];
    if (depth === 0 && name?.startsWith('table ')) {
      tables.push({ name: name.slice('table '.length), blocks: [] });
    } else if (depth === 1 && name !== undefined) {
      tables.at(-1)?.blocks.push({ name, lines: [] });
    } else if (depth > 1 && text !== '') {
      tables.at(-1)?.blocks.at(-1)?.lines.push(text);
    }
  }
  return tables.map(({ name, blocks }) => ({ name, blocks: blocks.map(withElements) }));
}

/** Elements are printed several a line, over as many lines as it takes. */
function withElements({ name, lines }: { name: string; lines: string[] }): ListedBlock {
  const at = lines.findIndex((line) => line.startsWith('elements = {'));
  if (at < 0) return { name, lines, elements: [] };
  const text = lines.slice(at).join(' ');
  const list = text.slice(text.indexOf('{') + 1, text.indexOf('}'));
  const elements = list.split(',').map((element) => element.trim());
  return { name, lines: lines.slice(0, at), elements };
}

/** What is in `expected` and not in `present`, each as often as it is too few. */
export function difference(expected: readonly string[], present: readonly string[]): string[] {
  const left = [...present];
  return expected.filter((line) => {
    const at = left.indexOf(line);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}
