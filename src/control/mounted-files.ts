/**
 * A directory with a mounted ConfigMap: one file a key, a symbolic link into `..data`, which the kubelet replaces by one rename.
 * As in node-cache, regular files at its top level count, and those with a leading dot do not.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ConfigMapKey } from '../rendering/kube-dns.ts';
import type { Problem } from '../rendering/problem.ts';

/** A ConfigMap holds at most 1 MiB; the bounds keep a wrong path from being read whole every ten seconds. */
const BYTES_MAX = 1024 * 1024;
const FILES_MAX = 256;
const NUL = new Uint8Array(1);

export interface MountedFiles {
  /** Undefined: it is there but cannot be read. In the order of names. */
  readonly files: ReadonlyMap<string, Uint8Array | undefined>;
  readonly problems: readonly Problem[];
  /** False: the directory is there, and its names cannot be had. */
  readonly isReadable: boolean;
  /** Each name, NUL, content, NUL, then the problems: where these are the same, nothing has changed. */
  readonly octets: Buffer;
}

/** Reads a directory; one that is not there is an empty one, since a ConfigMap may be optional. */
export function readMountedFiles(directory: string): MountedFiles {
  const files = new Map<string, Uint8Array | undefined>();
  const problems: Problem[] = [];
  const parts: Uint8Array[] = [];
  let bytes = 0;
  const names = namesIn(directory, problems);
  for (const name of names ?? []) {
    const path = join(directory, name);
    try {
      const status = statSync(path);
      if (!status.isFile()) continue;
      bytes += status.size;
      if (files.size === FILES_MAX || bytes > BYTES_MAX) {
        const limit = `expected at most ${FILES_MAX} files and ${BYTES_MAX} octets in a directory`;
        problems.push({ kind: 'excess', text: `${path}: ${limit}` });
        break;
      }
      const content = readFileSync(path);
      files.set(name, content);
      parts.push(Buffer.from(`${name}\0`), content, NUL);
    } catch (error) {
      // Gone since it was listed: a change that the watch sees too.
      if (isAbsent(error)) continue;
      files.set(name, undefined);
      parts.push(Buffer.from(`${name}\0`));
      problems.push({ kind: 'unreadable', text: `${path}: ${(error as Error).message}` });
    }
  }
  for (const { text } of problems) parts.push(Buffer.from(text));
  return { files, problems, isReadable: names !== undefined, octets: Buffer.concat(parts) };
}

function namesIn(directory: string, problems: Problem[]): string[] | undefined {
  try {
    return readdirSync(directory)
      .filter((name) => !name.startsWith('.'))
      .sort();
  } catch (error) {
    if (isAbsent(error)) return [];
    problems.push({ kind: 'unreadable', text: `${directory}: ${(error as Error).message}` });
    return undefined;
  }
}

export function isAbsent(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

/** The keys as texts; one that is not UTF-8 is a problem and has none. */
export function keysOf(
  directory: string,
  { files }: MountedFiles,
): { readonly keys: ReadonlyMap<string, ConfigMapKey>; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const keys = new Map<string, ConfigMapKey>();
  for (const [name, content] of files) {
    const path = join(directory, name);
    const text = content && utf8Text(content);
    if (content !== undefined && text === undefined) {
      problems.push({ kind: 'encoding', text: `${path}: expected UTF-8` });
    }
    keys.set(name, { path, text });
  }
  return { keys, problems };
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** Undefined where the octets are not UTF-8. */
export function utf8Text(content: Uint8Array): string | undefined {
  try {
    return UTF8.decode(content);
  } catch {
    return undefined;
  }
}
