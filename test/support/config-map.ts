/**
 * A ConfigMap as the kubelet mounts it: each key is a symbolic link into `..data`, itself a link to a directory with a time in its
 * name; an update is a new directory, and one rename of a new link over `..data`.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

/** Texts, or octets where they are to be no text, by key. */
export type Keys = Readonly<Record<string, string | Uint8Array>>;

let swaps = 0;

/** Puts `keys` in place of what the directory held, in the kubelet's order of steps (pkg/volume/util/atomic_writer.go). */
export function mountConfigMap(directory: string, keys: Keys): void {
  mkdirSync(directory, { recursive: true });
  const data = join(directory, '..data');
  const before = existsSync(data) ? readlinkSync(data) : undefined;
  swaps += 1;
  const fresh = `..2026_11_22_10_00_00.${swaps}`;
  mkdirSync(join(directory, fresh));
  for (const [key, value] of Object.entries(keys))
    writeFileSync(join(directory, fresh, key), value);
  symlinkSync(fresh, join(directory, '..data_tmp'));
  renameSync(join(directory, '..data_tmp'), data);
  for (const key of Object.keys(keys)) {
    if (!existsSync(join(directory, key))) symlinkSync(join('..data', key), join(directory, key));
  }
  if (before === undefined) return;
  for (const key of namesGone(directory, before, keys)) rmSync(join(directory, key));
  rmSync(join(directory, before), { recursive: true });
}

function namesGone(directory: string, before: string, keys: Keys): string[] {
  return readdirSync(join(directory, before)).filter((key) => !Object.hasOwn(keys, key));
}
