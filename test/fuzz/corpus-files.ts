/**
 * The corpus in the tree: one input a file, named by a hash of it, in a folder a target. Small on purpose: each file runs code
 * that the others do not.
 */
import { hash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { corpus } from '../wire/corpus.ts';

const FOLDER = join(import.meta.dirname, 'corpus');

/** The inputs in the tree. */
export function readCorpus(target: string): Uint8Array[] {
  const folder = join(FOLDER, target);
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  return names.map((name) => new Uint8Array(readFileSync(join(folder, name))));
}

/** For readers of messages: those of other projects' fuzzing, where there is a corpus of them. */
export function readForeignCorpus(target: string): Uint8Array[] {
  return target.startsWith('wire-') ? corpus().map(({ message }) => message) : [];
}

/** Puts these in the place of what is there. */
export function replaceCorpus(target: string, inputs: readonly Uint8Array[]): void {
  const folder = join(FOLDER, target);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const input of inputs) writeFileSync(join(folder, nameOf(input)), input);
}

/** A name that the same input always gets. */
export function nameOf(input: Uint8Array): string {
  return hash('sha1', input).slice(0, 12);
}
