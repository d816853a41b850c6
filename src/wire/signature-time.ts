/** Times of signatures (RFC 4034 §3.2): `YYYYMMDDHHmmSS`, or seconds since 1970, of 32 bits. Wire knows no clock: days are counted here. */

/** From March 1 of the year 0 to the start of 1970. */
const DAYS_TO_1970 = 719_468;

/** Undefined where the text is no time. */
export function timeFromText(text: string): number | undefined {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as number[];
  // Years that begin in March end with the leap day.
  const shifted = month! < 3 ? year! - 1 : year!;
  const daysOfYears = 365 * shifted + Math.floor(shifted / 4) - Math.floor(shifted / 100);
  const daysOfMonths = Math.floor((153 * ((month! + 9) % 12) + 2) / 5) + day! - 1;
  const days = daysOfYears + Math.floor(shifted / 400) + daysOfMonths - DAYS_TO_1970;
  return ((days * 24 + hour!) * 3_600 + minute! * 60 + second!) % 2 ** 32;
}

/** `YYYYMMDDHHmmSS`, in the years from 1970 to 2106. */
export function timeText(seconds: number): string {
  const days = Math.floor(seconds / 86_400) + DAYS_TO_1970;
  // Of 400 years, of 100, of 4 and of one; each but the last is a day longer or shorter.
  const era = Math.floor(days / 146_097);
  const dayOfEra = days - era * 146_097;
  const leaps = Math.floor(dayOfEra / 1_460) - Math.floor(dayOfEra / 36_524);
  const yearOfEra = Math.floor((dayOfEra - leaps + Math.floor(dayOfEra / 146_096)) / 365);
  const daysBefore = 365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100);
  const dayOfYear = dayOfEra - daysBefore;
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const rest = seconds % 86_400;
  const parts = [month, day, Math.floor(rest / 3_600), Math.floor(rest / 60) % 60, rest % 60];
  return (
    String(year).padStart(4, '0') + parts.map((part) => String(part).padStart(2, '0')).join('')
  );
}
