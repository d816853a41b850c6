/** Data as templates are given it: a value of each kind. */
import { textOf } from '../../src/gotemplate/octet-string.ts';
import {
  boolValue,
  floatValue,
  type GoStruct,
  type GoValue,
  intValue,
  NONE,
  stringMapValue,
  stringsValue,
  stringValue,
  uintValue,
} from '../../src/gotemplate/value.ts';

function anyMap(entries: Record<string, GoValue>): GoValue {
  return { kind: 'map', element: 'interface {}', entries: new Map(Object.entries(entries)) };
}

const QUESTION_TEXT = ';ip-10-1-2.example.\tIN\t A';

const question: GoStruct = {
  kind: 'struct',
  type: 'main.Question',
  fields: {
    Name: () => stringValue('ip-10-1-2.example.'),
    Qtype: () => uintValue(1, 16),
    Qclass: () => uintValue(1, 16),
  },
  methods: { String: { parameters: [], call: () => stringValue(QUESTION_TEXT) } },
  text: () => QUESTION_TEXT,
};

const groups = { 0: 'ip-10-1-2.example.', a: '10', b: '1', c: '2' };

export const DATA: GoStruct = {
  kind: 'struct',
  type: 'main.templateData',
  fields: {
    Zone: () => stringValue('example.'),
    Name: () => stringValue('ip-10-1-2.example.'),
    Match: () => stringsValue(['ip-10-1-2.example.', '10', '1', '2']),
    Group: () => stringMapValue(Object.entries(groups)),
    Class: () => stringValue('IN'),
    Type: () => stringValue('A'),
    Question: () => question,
    Remote: () => stringValue('10.240.0.1'),
    Var: () =>
      anyMap({
        i: intValue(5),
        s: stringValue('str'),
        b: boolValue(true),
        f: floatValue(1.5),
        l: { kind: 'slice', element: 'interface {}', items: [intValue(1), stringValue('x'), NONE] },
        n: NONE,
        m: anyMap({ k: stringValue('v') }),
      }),
    N: () => intValue(7),
    U: () => uintValue(42),
    F: () => floatValue(2.5),
    B: () => boolValue(true),
    Qs: () => ({ kind: 'slice', element: '*main.Question', items: [] }),
  },
  methods: {
    Meta: {
      parameters: ['string'],
      call: ([name]) => stringValue(`meta-${textOf(name?.kind === 'string' ? name.value : '')}`),
    },
  },
};
