/**
 * Lines of a terminal made of coloured pieces: their width is known, so that they can be cut to fit, and two can stand side by
 * side. Texts hold one column a character.
 */
import { printable } from '../base/printable.ts';
import { type Colour, coloured } from './terminal-text.ts';

export interface Piece {
  readonly text: string;
  readonly colour?: Colour | undefined;
}

export type Line = readonly Piece[];

/** Characters that not every terminal shows. */
export interface Glyphs {
  /** What was cut away. */
  readonly cut: string;
  readonly atMost: string;
  /** From nothing to the most. */
  readonly levels: readonly string[];
}

export const UNICODE: Glyphs = { cut: '…', atMost: '≤', levels: [...' ▁▂▃▄▅▆▇█'] };
export const ASCII: Glyphs = { cut: '~', atMost: '<=', levels: [...' .:-=+*#@'] };

export function piece(text: string, colour?: Colour): Piece {
  return { text, colour };
}

export function widthOf(line: Line): number {
  return line.reduce((width, { text }) => width + text.length, 0);
}

/** At most so many columns; the last of them says where something was cut away. */
export function fitted(line: Line, columns: number, { cut }: Glyphs): Line {
  if (widthOf(line) <= columns) return line;
  const out: Piece[] = [];
  let left = columns - 1;
  for (const { text, colour } of line) {
    out.push({ text: text.slice(0, Math.max(0, left)), colour });
    left -= text.length;
    if (left <= 0) break;
  }
  return columns > 0 ? [...out, piece(cut, 'dim')] : [];
}

/** Exactly so many columns. */
export function padded(line: Line, columns: number, glyphs: Glyphs): Line {
  const fitting = fitted(line, columns, glyphs);
  return [...fitting, piece(' '.repeat(columns - widthOf(fitting)))];
}

/** Text of others in a column of its own, made fit to be shown; numbers stand to the right. */
export function cell(raw: string, columns: number, { cut }: Glyphs, isRight = false): string {
  const text = printable(raw).replaceAll('\n', ' ');
  if (text.length > columns) return columns > 0 ? text.slice(0, columns - 1) + cut : '';
  return isRight ? text.padStart(columns) : text.padEnd(columns);
}

/** The lines of two blocks side by side. */
export function beside(
  left: readonly Line[],
  right: readonly Line[],
  columns: number,
  glyphs: Glyphs,
): Line[] {
  const count = Math.max(left.length, right.length);
  return Array.from({ length: count }, (_, index) => [
    ...padded(left[index] ?? [], columns, glyphs),
    ...(right[index] ?? []),
  ]);
}

/** The newest values, a column each; `max` has the highest bar, and whatever is not nothing has one. */
export function sparkline(
  values: readonly (number | null)[],
  columns: number,
  max: number,
  { levels }: Glyphs,
): string {
  const bars = values.slice(-columns).map((value) => {
    if (value === null || value <= 0 || max <= 0) return levels[0]!;
    const share = Math.min(value, max) / max;
    return levels[Math.max(1, Math.round(share * (levels.length - 1)))]!;
  });
  return bars.join('').padStart(columns, levels[0]);
}

export function written(line: Line, hasColour: boolean): string {
  return line
    .map(({ text, colour }) =>
      colour === undefined ? text : coloured({ hasColour }, colour, text),
    )
    .join('');
}
