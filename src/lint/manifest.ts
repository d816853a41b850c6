/** Corefiles in Kubernetes manifests: YAML or JSON, one document or several, lists too. */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import type { Position } from '../corefile/ast.ts';
import type { Hit } from './finding.ts';

export interface ManifestEntry {
  /** The key of the ConfigMap's `data`. */
  readonly key: string;
  readonly file: string;
  readonly text: string;
  /** From a place in `text` to one in the manifest: exact in a block scalar (`|`), else the scalar's own. */
  readonly locate: (at: Position) => Position;
}

/** A Corefile has none of these at the start of a line. */
const MANIFEST_LINE = /^(apiVersion|kind|metadata):|^\s*\{\s*"(apiVersion|kind|metadata|items)"/m;
/** Far more than any cluster's; the rest is not read. */
const DOCUMENTS_MAX = 1000;

export function isManifest(file: string, text: string): boolean {
  return /\.(ya?ml|json)$/.test(file) || MANIFEST_LINE.test(text);
}

/** The entries of all ConfigMaps with one of these keys, or what is wrong with the YAML. */
export function corefilesIn(
  file: string,
  text: string,
  keys: readonly string[],
): ManifestEntry[] | Hit {
  const lineCounter = new LineCounter();
  const parsed = parseAllDocuments(text, { lineCounter });
  const documents = Array.isArray(parsed) ? parsed.slice(0, DOCUMENTS_MAX) : [];
  const entries: ManifestEntry[] = [];
  const lines = text.split('\n');
  for (const document of documents) {
    const [error] = document.errors;
    if (error !== undefined) {
      const { line, col } = lineCounter.linePos(error.pos[0]);
      return { at: { file, line, column: col }, problem: error.message.split('\n')[0]! };
    }
    for (const { key, scalar } of dataOf(document.contents, keys)) {
      const start = lineCounter.linePos(scalar.range?.[0] ?? 0);
      const locate = locator(file, lines, scalar, start.line, start.col);
      entries.push({ key, file, text: String(scalar.value), locate });
    }
  }
  return entries;
}

function dataOf(node: Node | null, keys: readonly string[]): { key: string; scalar: Scalar }[] {
  if (!isMap(node)) return [];
  if (isSeq(node.get('items'))) {
    const items = node.get('items') as { items: Node[] };
    return items.items.flatMap((item) => dataOf(item, keys));
  }
  if (node.get('kind') !== 'ConfigMap') return [];
  const data = node.get('data', true);
  if (!isMap(data)) return [];
  return keys.flatMap((key) => {
    const scalar = scalarAt(data, key);
    return scalar === undefined ? [] : [{ key, scalar }];
  });
}

function scalarAt(map: YAMLMap, key: string): Scalar | undefined {
  const value = map.get(key, true) as Node | undefined;
  if (value === undefined || isAlias(value)) return undefined;
  return isScalar(value) && typeof value.value === 'string' ? value : undefined;
}

function locator(
  file: string,
  lines: readonly string[],
  scalar: Scalar,
  line: number,
  column: number,
): (at: Position) => Position {
  const texts = String(scalar.value).split('\n');
  return (at) => {
    // An imported file has places of its own.
    if (at.file !== file) return at;
    if (scalar.type !== 'BLOCK_LITERAL') return { file, line, column };
    const source = lines[line + at.line - 1] ?? '';
    const indent = source.replace(/\r$/, '').length - (texts[at.line - 1] ?? '').length;
    return { file, line: line + at.line, column: Math.max(indent, 0) + at.column };
  };
}
