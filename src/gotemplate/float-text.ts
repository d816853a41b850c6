/** Floating-point numbers as Go's strconv prints them, of which JavaScript has the digits but another layout. */

/** The text of a number that is not negative; `precision` -1: as few digits as tell it from its neighbours. */
export function floatText(value: number, letter: string, precision: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Number.POSITIVE_INFINITY) return 'Inf';
  const lower = letter.toLowerCase();
  const text =
    lower === 'f'
      ? fixedText(value, precision)
      : lower === 'e'
        ? exponentText(value, precision)
        : generalText(value, precision);
  return letter === 'E' || letter === 'G' ? text.toUpperCase() : text;
}

/** JavaScript prints at most 100 digits behind the point; what lies beyond is zero for any number worth printing. */
const DIGITS_MAX = 100;

function fixedText(value: number, precision: number): string {
  if (precision < 0) {
    const [digits, exponent] = shortest(value);
    return layOut(digits, exponent);
  }
  const shown = Math.min(precision, DIGITS_MAX);
  const text =
    value < 1e21
      ? value.toFixed(shown)
      : `${BigInt(value)}${shown > 0 ? `.${'0'.repeat(shown)}` : ''}`;
  return text + '0'.repeat(precision - shown);
}

/** Exponents have two digits at least. */
function exponentText(value: number, precision: number): string {
  const text =
    precision < 0 ? value.toExponential() : value.toExponential(Math.min(precision, DIGITS_MAX));
  return text.replace(/e([+-])(\d)$/, 'e$10$2');
}

/** `%e` for large and small exponents, `%f` for the others, without zeros at the end. */
function generalText(value: number, precision: number): string {
  const isShortest = precision < 0;
  const wanted = Math.min(Math.max(precision, 1), DIGITS_MAX);
  const [allDigits, exponent] = isShortest ? shortest(value) : rounded(value, wanted);
  const digits = allDigits.replace(/0+$/, '') || '0';
  // Go decides by six digits where it shows as many as needed, else by those that there are.
  const isWhole = digits.length >= exponent + 1 && digits.length < wanted;
  const limit = isShortest ? 6 : isWhole ? digits.length : wanted;
  if (exponent < -4 || exponent >= limit) {
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : '';
    const size = String(Math.abs(exponent)).padStart(2, '0');
    return `${digits[0]}${fraction}e${exponent < 0 ? '-' : '+'}${size}`;
  }
  return layOut(digits, exponent);
}

/** Digits and the decimal exponent of the first. */
function shortest(value: number): [digits: string, exponent: number] {
  return parts(value.toExponential());
}

function rounded(value: number, count: number): [digits: string, exponent: number] {
  return parts(value.toExponential(count - 1));
}

function parts(text: string): [digits: string, exponent: number] {
  const [mantissa, exponent] = text.split('e') as [string, string];
  return [mantissa.replace('.', ''), Number(exponent)];
}

function layOut(digits: string, exponent: number): string {
  if (exponent < 0) return `0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  const fraction = digits.slice(exponent + 1);
  return fraction === '' ? whole : `${whole}.${fraction}`;
}
