/**
 * What a regular expression in Go's syntax costs to compile, told from its text: a few octets can ask for a program of a million
 * instructions (`a{1000}`, a thousand times), or for the letters of Unicode in both cases a thousand times. What has no meaning costs
 * something too; the compiler refuses it.
 *
 *     cost = instructions of the program, counted as RE2 expands them + runes that classes look up, by the hundred
 */

/** `\pL` is some 700 ranges, each looked at for its other case: 60 to 340 us, where an instruction takes 1 to 3. */
const PROPERTY_COST = 100;
/** With `(?i)` each rune of a range is looked up for its other case: 0.2 us. */
const FOLDED_RUNES_PER_STEP = 20;
/** Beyond it no rune has another case. */
const FOLDED_RUNE_LAST = 0x1e943;

const PROPERTY = /\\[pP](?:\{[^}]{0,40}\}|.)/gsu;
/** Ranges that end beyond ASCII; where they begin, if that is plain to see. */
const RANGE =
  /(?:(?<=\\x\{(?<lowHex>[\da-f]{1,8})\})|(?<=(?<low>[^\0-\x7f]))|)-(?:\\x\{(?<highHex>[\da-f]{1,8})\}|\\x|(?<high>[^\0-\x7f]))/giu;
const FOLDS = /\(\?[a-z]*i/i;
const TOKEN = new RegExp(
  [
    String.raw`\\Q(?<literal>.*?)(?:\\E|$)`,
    // A class ends at the end of the text where it is not closed, and names have a bound, so that nothing is looked at often.
    String.raw`\\[pP](?:\{[^}]{0,40}\}|.)|\\x\{[^}]{0,10}\}|\\.|\[\^?\]?(?:\[:\^?[a-z]{1,10}:\]|\\(?:.|$)|[^\]\\])*(?:\]|$)`,
    String.raw`(?<flags>\(\?[a-zA-Z-]*\))`,
    String.raw`(?<open>\((?:\?P?<[^>]{1,100}>|\?[a-zA-Z-]*:)?)`,
    String.raw`(?<close>\))`,
    String.raw`(?<or>\|)`,
    String.raw`\{(?<min>\d+)(?<comma>,(?<max>\d*))?\}`,
    '(?<repeat>[*+?])',
    '.',
  ].join('|'),
  'gsu',
);

/** A branch, and something for an alternative that is empty. */
const ALTERNATIVE_COST = 2;

interface Group {
  /** Of all in it so far. */
  cost: number;
  /** Of what a repetition would repeat. */
  last: number;
}

export function compileCost(pattern: string): number {
  const groups: Group[] = [{ cost: 0, last: 0 }];
  for (const { groups: token = {} } of pattern.matchAll(TOKEN)) {
    const group = groups.at(-1)!;
    if (token['open'] !== undefined) groups.push({ cost: 0, last: 0 });
    else if (token['close'] !== undefined) close(groups);
    else if (token['or'] !== undefined) group.cost += ALTERNATIVE_COST;
    else if (token['repeat'] !== undefined) add(group, 1, group.last + 1);
    else if (token['min'] !== undefined) repeat(group, token);
    else if (token['flags'] === undefined) {
      const count = token['literal']?.length ?? 1;
      add(group, count, 1);
    }
  }
  while (groups.length > 1) close(groups);
  return groups[0]!.cost + classCost(pattern);
}

function add(group: Group, cost: number, last: number): void {
  group.cost += cost;
  group.last = last;
}

/** The marks of a group are two instructions, an empty one has another between them. */
function close(groups: Group[]): void {
  if (groups.length === 1) return;
  const cost = Math.max(groups.pop()!.cost, 1) + 2;
  add(groups.at(-1)!, cost, cost);
}

/** `x{2,4}` becomes `xx(x(x)?)?`, `x{2,}` becomes `xx+`. */
function repeat(group: Group, { min, comma, max }: Record<string, string | undefined>): void {
  const least = Number(min);
  const most = comma === undefined ? least : max ? Number(max) : Math.max(least, 1);
  const copies = Math.max(least, most, 1);
  const branches = comma === undefined ? 0 : Math.max(most - least, 1);
  add(group, (copies - 1) * group.last + branches, copies * group.last + branches);
}

function classCost(pattern: string): number {
  const properties = pattern.match(PROPERTY)?.length ?? 0;
  let foldedRunes = 0;
  if (FOLDS.test(pattern)) {
    for (const { groups = {} } of pattern.matchAll(RANGE)) foldedRunes += rangeSize(groups);
  }
  return properties * PROPERTY_COST + Math.ceil(foldedRunes / FOLDED_RUNES_PER_STEP);
}

function rangeSize(range: Record<string, string | undefined>): number {
  const low = runeOf(range['lowHex'], range['low']) ?? 0;
  const high = runeOf(range['highHex'], range['high']) ?? 0xff;
  return Math.max(Math.min(high, FOLDED_RUNE_LAST) - low, 0);
}

function runeOf(hex: string | undefined, literal: string | undefined): number | undefined {
  return hex === undefined ? literal?.codePointAt(0) : Number.parseInt(hex, 16);
}
