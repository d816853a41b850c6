/** TTLs as master files write them: seconds, or numbers with units, as in `1h30m` (BIND's form, which CoreDNS reads). */

const UNITS_S: Readonly<Record<string, number>> = {
  '': 1,
  s: 1,
  m: 60,
  h: 3_600,
  d: 86_400,
  w: 604_800,
};

/** Seconds below 2^32; undefined where the text is no TTL. */
export function secondsOf(text: string): number | undefined {
  if (!/^(?:\d+[smhdw])*\d*$/i.test(text) || text === '') return undefined;
  let seconds = 0;
  for (const [, digits, unit] of text.toLowerCase().matchAll(/(\d+)([smhdw]?)/g)) {
    seconds += Number(digits) * UNITS_S[unit!]!;
  }
  return seconds < 2 ** 32 ? seconds : undefined;
}
