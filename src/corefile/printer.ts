/**
 * Writes server blocks as a Corefile in one canonical form: one line a directive, four spaces a level, quotes only where
 * the language needs them. Two blocks print alike exactly if they hold the same words in the same order; a reload tells
 * by that whether a block changed.
 *
 * Reading it again gives the same blocks, but for words that only the environment can bring in: those that hold an
 * environment reference, or a backslash before a quote or at the end of a quoted word.
 */
import type { Directive, ServerBlock, Word } from './ast.ts';
import { SPACES } from './lexer.ts';

const INDENT = '    ';
const NEEDS_QUOTES = new RegExp(`^$|^"|^[{}]$|^\\{\\}$|[#\\ufeff${SPACES}]`);
/** Quoted, a key is never a snippet's name, an import, or two keys. */
const KEY_NEEDS_QUOTES = /^import$|^\(|,/;

/** Blocks one after the other, with an empty line between them. */
export function printCorefile(blocks: readonly ServerBlock[]): string {
  return blocks.map(printServerBlock).join('\n');
}

/** One block, its last line ended. */
export function printServerBlock(block: ServerBlock): string {
  const keys = block.keys.map(({ text }) =>
    KEY_NEEDS_QUOTES.test(text) ? quote(text) : print(text),
  );
  return `${keys.join(' ')} {\n${printLines(block.directives, INDENT)}}\n`;
}

function printLines(lines: readonly Directive[], indent: string): string {
  return lines.map((line) => printLine(line, indent)).join('');
}

function printLine({ name, args, block }: Directive, indent: string): string {
  const words = [printName(name), ...args.map(({ text }) => print(text))].join(' ');
  if (block !== undefined) {
    return `${indent}${words} {\n${printLines(block, indent + INDENT)}${indent}}\n`;
  }
  // A backslash at the very end of the line would join it with the next one.
  return `${indent}${words}${words.endsWith('\\') ? ' ' : ''}\n`;
}

function printName({ text }: Word): string {
  return text === 'import' ? quote(text) : print(text);
}

function print(text: string): string {
  return NEEDS_QUOTES.test(text) ? quote(text) : text;
}

function quote(text: string): string {
  return `"${text.replaceAll('"', '\\"')}"`;
}
