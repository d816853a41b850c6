/** Text for a terminal: paragraphs that fit it, and colours where it shows them. */
import type { Output } from './command.ts';

/** SGR parameters (ECMA-48 §8.3.117). */
const COLOURS = { red: 31, green: 32, yellow: 33, cyan: 36, dim: 2, bold: 1 } as const;
export type Colour = keyof typeof COLOURS;

export function coloured(
  { hasColour }: Pick<Output, 'hasColour'>,
  colour: Colour,
  text: string,
): string {
  return hasColour ? `\u001b[${COLOURS[colour]}m${text}\u001b[0m` : text;
}

/** Wider text is hard to read, however wide the terminal is. */
const COLUMNS_MAX = 100;

/** The text in lines that fit, each indented; words that are longer stand on lines of their own. */
export function paragraph(text: string, indent: number, { columns }: Output): string {
  const width = Math.min(columns, COLUMNS_MAX) - indent;
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else {
      lines.push(word);
    }
  }
  return lines.map((line) => `${' '.repeat(indent)}${line}\n`).join('');
}
