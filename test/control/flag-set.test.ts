/** Go's flag syntax; cases and wording are those of its flag package. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  booleanFlag,
  choiceFlag,
  flagsUsage,
  numberFlag,
  parseFlags,
  stringFlag,
} from '../../src/control/flag-set.ts';

const readNumber = (text: string) => (/^\d+$/.test(text) ? Number(text) : undefined);
const TEXT = stringFlag('', 'some text');
const SPECS = {
  b: booleanFlag(false, 'short'),
  bool: booleanFlag(true, 'long'),
  text: TEXT,
  t: { ...TEXT, aliasOf: 'text' },
  named: stringFlag('lo"x', 'with a default'),
  number: numberFlag('int', '0', 'a number', readNumber, { min: 0, max: 9 }),
  choice: choiceFlag(['one', 'two', 'three'], 'two', 'which'),
};
const DEFAULTS = { b: false, bool: true, text: '', t: '', named: 'lo"x', number: 0, choice: 'two' };

describe('values', () => {
  const cases: [string[], object, string[]?][] = [
    [[], {}],
    [['-text', 'x'], { text: 'x' }],
    [['-text=x'], { text: 'x' }],
    [['--text', 'x'], { text: 'x' }],
    [['--text=x'], { text: 'x' }],
    [['-text='], { text: '' }],
    [['-text', ''], { text: '' }],
    [['-text=a=b\nc'], { text: 'a=b\nc' }],
    [['-text', '-b'], { text: '-b' }],
    [['-text', '--'], { text: '--' }],
    [['-text', 'x', '-text=y'], { text: 'y' }],
    [['-t', 'x', '-text=y', '-t=z'], { text: 'z' }],
    [['-b'], { b: true }],
    [['-b', '-bool=false'], { b: true, bool: false }],
    [['-b=1', '-bool=f'], { b: true, bool: false }],
    [['-b=T', '-bool=FALSE'], { b: true, bool: false }],
    [['-number', '7', '--choice=three'], { number: 7, choice: 'three' }],
    [['-b', 'false', '-bool=0'], { b: true }, ['false', '-bool=0']],
    [['-b', '--', '-text'], { b: true }, ['-text']],
    [['-', '-b'], {}, ['-', '-b']],
    [['', '-b'], {}, ['', '-b']],
  ];
  for (const [args, expected, rest = []] of cases) {
    test(JSON.stringify(args), () => {
      const values = { ...DEFAULTS, ...expected };
      assert.deepEqual(parseFlags(SPECS, args), { code: 'parsed', values, rest });
    });
  }
});

describe('problems', () => {
  const cases: [string[], string][] = [
    [['-x'], 'flag provided but not defined: -x'],
    [['--x=1'], 'flag provided but not defined: -x'],
    [['-constructor'], 'flag provided but not defined: -constructor'],
    [['-text'], 'flag needs an argument: -text'],
    [['---text'], 'bad flag syntax: ---text'],
    [['-=x'], 'bad flag syntax: -=x'],
    [['--=x'], 'bad flag syntax: --=x'],
    [['-b=maybe'], 'invalid boolean value "maybe" for -b: parse error'],
    [['-b='], 'invalid boolean value "" for -b: parse error'],
    [['-b=tRUE'], 'invalid boolean value "tRUE" for -b: parse error'],
    [['-number', 'x'], 'invalid value "x" for flag -number: parse error'],
    [['-number=10'], 'invalid value "10" for flag -number: value out of range'],
    [['-choice', 'four'], 'invalid value "four" for flag -choice: expected one, two or three'],
  ];
  for (const [args, problem] of cases) {
    test(problem, () => assert.deepEqual(parseFlags(SPECS, args), { code: 'invalid', problem }));
  }

  test('help', () => {
    for (const args of [['-h'], ['--help'], ['-b', '-help=x', '-nonsense']]) {
      assert.deepEqual(parseFlags(SPECS, args), { code: 'help' });
    }
  });

  test('no arguments break it', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (args) => {
        const parsed = parseFlags(SPECS, args);
        if (parsed.code === 'parsed') {
          assert.deepEqual(parsed.rest, args.slice(args.length - parsed.rest.length));
        }
      }),
    );
  });
});

test('usage', () => {
  const expected = [
    '  -b\tshort',
    '  -bool\n    \tlong (default true)',
    '  -choice string\n    \twhich (default "two")',
    '  -named string\n    \twith a default (default "lo\\"x")',
    '  -number int\n    \ta number',
    '  -t string\n    \tsome text',
    '  -text string\n    \tsome text',
    '',
  ];
  assert.equal(flagsUsage(SPECS), expected.join('\n'));
});
