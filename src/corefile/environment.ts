/**
 * References to environment variables in a Corefile: `{$NAME}` and `{%NAME%}`, anywhere in a word, as often as wanted.
 * An unset variable is the empty text. A value is not searched for further references, so that none can refer to itself.
 */

export type Environment = Readonly<Record<string, string | undefined>>;

const REFERENCE = /\{\$([^{}]+)\}|\{%([^%{}]+)%\}/g;

/** The word with every reference replaced; one value never becomes several words. */
export function expandReferences(text: string, environment: Environment): string {
  return text.replace(
    REFERENCE,
    (_reference, unix: string | undefined, windows: string | undefined) =>
      environment[unix ?? windows ?? ''] ?? '',
  );
}
