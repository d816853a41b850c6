/**
 * A directory with a mounted ConfigMap: one file a key, a symbolic link into `..data`, which the kubelet replaces by one rename.
 * As in node-cache, regular files at its top level count, those with a leading dot do not, and a hash of names and contents says
 * whether anything changed.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf } from '../base/digest.ts';
import type { ConfigMapKey } from '../rendering/kube-dns.ts';
import type { Problem } from '../rendering/problem.ts';

/** A ConfigMap holds at most 1 MiB; the bounds keep a wrong path from being read whole every ten seconds. */
const BYTES_MAX = 1024 * 1024;
const FILES_MAX = 256;

export interface MountedFiles {
  /** Undefined: it is there but cannot be read. In the order of names. */
  readonly files: ReadonlyMap<string, Uint8Array | undefined>;
  readonly problems: readonly Problem[];
  /** False: the directory is there, and its names cannot be had. */
  readonly isReadable: boolean;
  /** SHA-256 over each name, NUL, content, NUL. */
  readonly hash: string;
}

/** Reads a directory; one that is not there is an empty one, since a ConfigMap may be optional. */
export function readMountedFiles(directory: string): MountedFiles {
  const files = new Map<string, Uint8Array | undefined>();
  const problems: Problem[] = [];
  const hashed: (string | Uint8Array)[] = [];
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
      hashed.push(name, '\0', content, '\0');
    } catch (error) {
      // Gone since it was listed: a change that the watch sees too.
      if (isAbsent(error)) continue;
      files.set(name, undefined);
      hashed.push(name, '\0');
      problems.push({ kind: 'unreadable', text: `${path}: ${(error as Error).message}` });
    }
  }
  for (const { text } of problems) hashed.push(text);
  const hash = digestOf('sha256', hashed).toString('hex');
  return { files, problems, isReadable: names !== undefined, hash };
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
