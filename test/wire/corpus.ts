/**
 * Messages from other projects' fuzzing, where a directory of them is given (`ZEROHOP_CORPUS`: one message a file, in wire
 * format). They belong to others and are not part of this tree.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const directory = process.env['ZEROHOP_CORPUS'];

/** A reason to skip a test, or false. */
export const skipWithoutCorpus = directory === undefined && 'ZEROHOP_CORPUS names no directory';

/** Every file's octets, with its name. */
export function corpus(): { file: string; message: Uint8Array }[] {
  if (directory === undefined) return [];
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const file = join(entry.parentPath, entry.name);
      return { file, message: new Uint8Array(readFileSync(file)) };
    });
}
