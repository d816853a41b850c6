/**
 * Text of others, made fit to be shown: whatever it holds, it moves no cursor, sets no colour and passes for no other line.
 * Control characters leave as `\DDD` (RFC 1035 §5.1), and what follows a line break is indented.
 */

/** All but tab and newline (C0, DEL, C1), and what Unicode takes for a line break. */
const CONTROLS = /[\p{Cc}\u2028\u2029]/gu;

export function printable(text: string): string {
  return text.replace(CONTROLS, (character) => {
    if (character === '\t') return character;
    if (character === '\n') return '\n  ';
    return `\\${String(character.codePointAt(0)).padStart(3, '0')}`;
  });
}
