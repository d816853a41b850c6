/** The kube-dns ConfigMap: what counts, what is refused alone, what stays from before. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ConfigMapKey,
  type KubeDnsReading,
  type KubeDnsSettings,
  NO_SETTINGS,
  readKubeDns,
} from '../../src/rendering/kube-dns.ts';

function read(
  texts: Record<string, string | undefined>,
  lastGood: KubeDnsSettings = NO_SETTINGS,
): KubeDnsReading {
  const keys = Object.entries(texts).map(([name, text]): [string, ConfigMapKey] => [
    name,
    { path: `/etc/kube-dns/${name}`, text },
  ]);
  return readKubeDns(new Map(keys), lastGood);
}

function stubs(domains: unknown, lastGood: KubeDnsSettings = NO_SETTINGS) {
  const { settings, problems } = read({ stubDomains: JSON.stringify(domains) }, lastGood);
  return {
    domains: Object.fromEntries(settings.stubDomains),
    problems: problems.map(({ kind, text }) => `${kind} ${text}`),
  };
}

function upstreams(list: unknown, lastGood: KubeDnsSettings = NO_SETTINGS) {
  const { settings, problems } = read({ upstreamNameservers: JSON.stringify(list) }, lastGood);
  return {
    servers: settings.upstreamNameservers,
    problems: problems.map(({ kind, text }) => `${kind} ${text}`),
  };
}

const LAST_GOOD: KubeDnsSettings = {
  stubDomains: new Map([['acme.local', ['192.0.2.9']]]),
  upstreamNameservers: ['192.0.2.8'],
};

test('no ConfigMap, or an empty one, asks for nothing', () => {
  assert.deepEqual(read({}), { settings: NO_SETTINGS, problems: [], notes: [] });
  assert.deepEqual(read({}, LAST_GOOD).settings, NO_SETTINGS, 'an absent key is no mistake');
  assert.deepEqual(stubs({}, LAST_GOOD), { domains: {}, problems: [] });
  assert.deepEqual(upstreams([], LAST_GOOD), { servers: [], problems: [] });
});

test('servers in every form that kube-dns takes', () => {
  const servers = ['1.1.1.1', '2.2.2.2:10053', 'FD00:0::0A', '[fd00::b]:5353', 'ns.example.org'];
  assert.deepEqual(stubs({ 'Acme.local.': [...servers, 'Ns2.example.org.:54', '1.1.1.1'] }), {
    domains: {
      'acme.local': [
        '1.1.1.1',
        '2.2.2.2:10053',
        'fd00::a',
        '[fd00::b]:5353',
        'ns.example.org:53',
        'ns2.example.org:54',
      ],
    },
    problems: [],
  });
  assert.deepEqual(upstreams(['8.8.8.8', '8.8.4.4:5353', '[fd00::1]:53']), {
    servers: ['8.8.8.8', '8.8.4.4:5353', '[fd00::1]:53'],
    problems: [],
  });
});

test('the order in the file means nothing', () => {
  const one = stubs({ 'b.test': ['1.1.1.1'], 'a.test': ['1.1.1.1'], 'c.test': ['1.1.1.1'] });
  const other = stubs({ 'c.test': ['1.1.1.1'], 'b.test': ['1.1.1.1'], 'a.test': ['1.1.1.1'] });
  assert.deepEqual(Object.keys(one.domains), ['a.test', 'b.test', 'c.test']);
  assert.deepEqual(Object.keys(other.domains), Object.keys(one.domains));
});

const FILE = '/etc/kube-dns/stubDomains: ';
const SERVER = 'expected IP, IP:PORT or a host name';

for (const [what, entry, problem] of [
  ['a list without servers', [], `empty ${FILE}"bad.test": expected at least one server`],
  ['a bad address', ['1.2.3.400'], `server ${FILE}"bad.test": "1.2.3.400": ${SERVER}`],
  ['a bad port', ['1.2.3.4:65564'], `server ${FILE}"bad.test": "1.2.3.4:65564": ${SERVER}`],
  ['port 0', ['1.2.3.4:0'], `server ${FILE}"bad.test": "1.2.3.4:0": ${SERVER}`],
  ['no host name', ['$$$$'], `server ${FILE}"bad.test": "$$$$": ${SERVER}`],
  ['an empty text', [''], `server ${FILE}"bad.test": "": ${SERVER}`],
  ['a number', [53], `server ${FILE}"bad.test": 53: ${SERVER}`],
  ['a scheme', ['tls://1.1.1.1'], `server ${FILE}"bad.test": "tls://1.1.1.1": ${SERVER}`],
  ['a path', ['/etc/passwd'], `server ${FILE}"bad.test": "/etc/passwd": ${SERVER}`],
  ['an injected block', ['1.1.1.1 {'], `server ${FILE}"bad.test": "1.1.1.1 {": ${SERVER}`],
  ['a reference', ['{$HOME}'], `server ${FILE}"bad.test": "{$HOME}": ${SERVER}`],
  ['no list', '1.1.1.1', `json ${FILE}"bad.test": expected a list of servers`],
] as const) {
  test(`a stub domain with ${what} is refused alone`, () => {
    assert.deepEqual(stubs({ 'bad.test': entry, 'good.test': ['1.1.1.1'] }), {
      domains: { 'good.test': ['1.1.1.1'] },
      problems: [problem],
    });
  });
}

test('a bad server is refused alone, and the others of its domain count', () => {
  assert.deepEqual(stubs({ 'acme.local': ['nope!', '1.1.1.1'] }, LAST_GOOD), {
    domains: { 'acme.local': ['1.1.1.1'] },
    problems: [`server ${FILE}"acme.local": "nope!": ${SERVER}`],
  });
});

for (const name of [
  '',
  '$$$$',
  'a..test',
  '-a.test',
  'a b',
  '{$HOME}',
  'x.test {',
  'ä.test',
  '.',
]) {
  test(`the stub domain ${JSON.stringify(name)} is refused alone`, () => {
    assert.deepEqual(stubs({ [name]: ['1.1.1.1'], 'good.test': ['1.1.1.1'] }), {
      domains: { 'good.test': ['1.1.1.1'] },
      problems: [
        `domain ${FILE}${JSON.stringify(name)}: expected a domain name such as acme.local`,
      ],
    });
  });
}

test('a domain in two spellings counts once', () => {
  assert.deepEqual(stubs({ 'acme.local': ['1.1.1.1'], 'ACME.local.': ['2.2.2.2'] }), {
    domains: { 'acme.local': ['1.1.1.1'] },
    problems: [`duplicate ${FILE}"ACME.local.": expected each domain once`],
  });
});

test('more than three upstream servers: the first three count', () => {
  assert.deepEqual(upstreams(['1.1.1.1', '2.2.2.2', '3.3.3.3', '4.4.4.4']), {
    servers: ['1.1.1.1', '2.2.2.2', '3.3.3.3'],
    problems: ['excess /etc/kube-dns/upstreamNameservers: "4.4.4.4": expected at most 3 servers'],
  });
});

test('an upstream server is an address', () => {
  assert.deepEqual(upstreams(['dns.example.org', '1.1.1.1']), {
    servers: ['1.1.1.1'],
    problems: [
      'server /etc/kube-dns/upstreamNameservers: "dns.example.org": expected IP or IP:PORT',
    ],
  });
});

test('limits: servers of a domain, domains', () => {
  const servers = Array.from({ length: 17 }, (_, index) => `192.0.2.${index + 1}`);
  const many = stubs({ 'acme.local': servers });
  assert.equal(many.domains['acme.local']?.length, 15);
  assert.equal(many.problems.length, 2);
  const domains = Array.from({ length: 258 }, (_, index) => [`d${index}.test`, ['192.0.2.1']]);
  const { domains: kept, problems } = stubs(Object.fromEntries(domains));
  assert.equal(Object.keys(kept).length, 256);
  assert.equal(problems[1], `excess ${FILE}"d257.test": expected at most 256 domains`);
});

test('of what is wrong as a whole, the last good value stays', () => {
  for (const text of ['{"acme.local": ["1.1', '', '[]', 'null', '3', undefined]) {
    const { settings } = read({ stubDomains: text, upstreamNameservers: '["1.1.1.1"]' }, LAST_GOOD);
    assert.deepEqual(settings.stubDomains, LAST_GOOD.stubDomains, String(text));
    assert.deepEqual(settings.upstreamNameservers, ['1.1.1.1'], 'the other key counts');
  }
  for (const text of ['["1.1', '', '{}', 'null', undefined]) {
    const { settings } = read({ upstreamNameservers: text }, LAST_GOOD);
    assert.deepEqual(settings.upstreamNameservers, ['192.0.2.8'], String(text));
  }
  assert.deepEqual(stubs({ 'acme.local': [] }, LAST_GOOD).domains, { 'acme.local': ['192.0.2.9'] });
  assert.deepEqual(upstreams(['x!'], LAST_GOOD).servers, ['192.0.2.8']);
});

test('each whole mistake is named with its file', () => {
  const problems = read({ stubDomains: '{"a', upstreamNameservers: '{}' }).problems;
  assert.match(problems[0]!.text, /^\/etc\/kube-dns\/stubDomains: expected JSON: /);
  assert.equal(
    problems[1]!.text,
    '/etc/kube-dns/upstreamNameservers: expected a list, such as ["8.8.8.8", "8.8.4.4"]',
  );
});

test('federations and unknown keys are ignored with a word', () => {
  const { notes, problems, settings } = read({ federations: 'cluster=example.org', Corefile: 'x' });
  assert.deepEqual(settings, NO_SETTINGS);
  assert.deepEqual(problems, []);
  assert.equal(notes.length, 2);
  assert.match(notes[0]!, /^\/etc\/kube-dns\/federations: ignored: /);
  assert.match(notes[1]!, /^\/etc\/kube-dns\/Corefile: ignored: expected the keys /);
});
