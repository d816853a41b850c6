/** A template with its placeholders filled, stub domains as server blocks, and the places of errors in the template. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CorefileError } from '../../src/corefile/ast.ts';
import type { FileSource } from '../../src/corefile/file-source.ts';
import { parseCorefile } from '../../src/corefile/parser.ts';
import { printCorefile } from '../../src/corefile/printer.ts';
import { readServerBlocks } from '../../src/directives/server-config.ts';
import { findClusterDns } from '../../src/rendering/cluster-dns.ts';
import { type KubeDnsSettings, NO_SETTINGS } from '../../src/rendering/kube-dns.ts';
import { readRecord } from '../../src/rendering/record.ts';
import { type Rendering, type RenderOptions, render } from '../../src/rendering/render.ts';

const NO_FILES: FileSource = {
  read: () => ({ code: 'failed', reason: 'no such file' }),
  glob: () => [],
};

const OPTIONS: RenderOptions = {
  environment: { HOME: '/root' },
  files: NO_FILES,
  folder: '/etc',
  dnsPort: 53,
  localIps: ['169.254.20.10', '10.96.0.10'],
  clusterDns: { code: 'known', addresses: ['9.10.11.12'] },
  prometheusEndpoint: ':9253',
  stubDomainsPath: '/etc/kube-dns/stubDomains',
};

function renderOf(
  text: string,
  settings: Partial<KubeDnsSettings> = {},
  options: Partial<RenderOptions> = {},
): Rendering {
  const template = { path: '/etc/coredns/Corefile.base', text };
  return render(template, { ...NO_SETTINGS, ...settings }, { ...OPTIONS, ...options });
}

/** The server blocks as text. */
function corefileOf(...args: Parameters<typeof renderOf>): string {
  return printCorefile(renderOf(...args).blocks);
}

function failureOf(text: string, options: Partial<RenderOptions> = {}): string {
  try {
    const { blocks } = renderOf(text, {}, options);
    readServerBlocks(blocks, { defaultPort: 53, files: NO_FILES, warn: () => {} });
  } catch (error) {
    assert(error instanceof CorefileError, String(error));
    return error.message;
  }
  return assert.fail('no error');
}

const STOCK = `cluster.local:53 {
    errors
    bind __PILLAR__LOCAL__DNS__ __PILLAR__DNS__SERVER__
    forward . __PILLAR__CLUSTER__DNS__ {
            force_tcp
    }
    prometheus __PROMETHEUS__ENDPOINT__
    }
.:53 {
    errors
    bind __PILLAR__LOCAL__DNS__ __PILLAR__DNS__SERVER__
    forward . __PILLAR__UPSTREAM__SERVERS__ {
            force_tcp
    }
    prometheus :9253
    }
`;

function rendered(upstream: string, stubs = ''): string {
  return `cluster.local:53 {
    errors
    bind 169.254.20.10 10.96.0.10
    forward . 9.10.11.12 {
        force_tcp
    }
    prometheus :9253
}

.:53 {
    errors
    bind 169.254.20.10 10.96.0.10
    forward . ${upstream}
    prometheus :9253
}
${stubs}`;
}

test('the stock template: no placeholder is left, and resolv.conf keeps force_tcp', () => {
  const withTcp = '/etc/resolv.conf {\n        force_tcp\n    }';
  assert.equal(corefileOf(STOCK), rendered(withTcp));
  assert.deepEqual(renderOf(STOCK).notes, []);
});

test('upstreamNameservers are asked over UDP, and stub domains are blocks in the order of their names', () => {
  const stub = (domain: string, servers: string) => `
${domain}:53 {
    errors
    cache 30
    bind 169.254.20.10 10.96.0.10
    forward . ${servers}
}
`;
  const settings = {
    upstreamNameservers: ['2.2.2.2:10053', '3.3.3.3'],
    stubDomains: new Map([
      ['acme.local', ['1.1.1.1']],
      ['widget.local', ['2.2.2.2:10053', '[fd00::1]:5353']],
    ]),
  };
  const stubs =
    stub('acme.local', '1.1.1.1') + stub('widget.local', '2.2.2.2:10053 [fd00::1]:5353');
  assert.equal(corefileOf(STOCK, settings), rendered('2.2.2.2:10053 3.3.3.3', stubs));
});

const UPSTREAM = { upstreamNameservers: ['8.8.8.8', '8.8.4.4'] };

for (const [what, forward, expected] of [
  ['of four', '{\n    force_tcp\n    }', ''],
  ['of a tab', '{\n\tforce_tcp\n\t}', ''],
  ['none', '{\nforce_tcp\n}', ''],
  ['on one line', '{ force_tcp }', ''],
  ['with other options', '{\n  max_fails 3\n  force_tcp\n }', ' { max_fails 3 }'],
  ['with a comment', '{ # over TCP\n  force_tcp # always\n }', ''],
] as const) {
  test(`force_tcp goes whatever its indentation: ${what}`, () => {
    const text = corefileOf(
      `.:53 {\n forward . __PILLAR__UPSTREAM__SERVERS__ ${forward}\n}`,
      UPSTREAM,
    );
    const flat = text.replace(/\s+/g, ' ');
    assert.equal(flat, `.:53 { forward . 8.8.8.8 8.8.4.4${expected} } `);
  });
}

test('only the forward that named the placeholder changes, in a snippet too', () => {
  const template = `(up) {
  forward . dns://__PILLAR__UPSTREAM__SERVERS__ {
    force_tcp
  }
}
.:53 {
  import up
}
a.test {
  forward . 8.8.8.8 {
    force_tcp
  }
}`;
  const upstreamNameservers = ['8.8.8.8'];
  const flat = corefileOf(template, { upstreamNameservers }).replace(/\s+/g, ' ');
  assert.equal(
    flat,
    '.:53 { forward . dns://8.8.8.8 } a.test { forward . 8.8.8.8 { force_tcp } } ',
  );
});

test('placeholders are filled wherever they stand in a word, as text is', () => {
  const template = `__PILLAR__LOCAL__DNS__:53 { "__PILLAR__LOCAL__DNS__" a__PILLAR__DNS__SERVER__b
    __PILLAR__DNS__SERVER__ x__PILLAR__CLUSTER__DNS__y }`;
  const [block] = renderOf(template).blocks;
  assert.deepEqual(
    block!.keys.map(({ text }) => text),
    ['169.254.20.10', '10.96.0.10:53'],
  );
  const lines = block!.directives.map(({ name, args }) => [name, ...args].map(({ text }) => text));
  assert.deepEqual(lines, [['169.254.20.10 10.96.0.10', 'ab'], ['x9.10.11.12y']]);
});

test('a placeholder in a comment needs no value', () => {
  const clusterDns = { code: 'unknown', problem: 'x' } as const;
  assert.equal(corefileOf('. { # __PILLAR__CLUSTER__DNS__\n}', {}, { clusterDns }), '. {\n}\n');
});

test('a value brings in no syntax', () => {
  const prometheusEndpoint = '{ } "#{$HOME}';
  const [block] = renderOf(
    '. {\nprometheus __PROMETHEUS__ENDPOINT__\n}',
    {},
    { prometheusEndpoint },
  ).blocks;
  assert.equal(block!.directives.length, 1);
});

test('placeholders that nobody fills in are named', () => {
  assert.deepEqual(renderOf('__PILLAR__DNS__DOMAIN__:53 {\n}').notes, [
    '/etc/coredns/Corefile.base:1:1: __PILLAR__DNS__DOMAIN__ is served as it stands: ' +
      'expected it to be replaced before the template is applied',
  ]);
});

test('references to the environment are expanded in the template, and in nothing of a ConfigMap', () => {
  const template = '. {\nforward . {$HOME}\n}';
  const stubDomains = new Map([['{$HOME}', ['{$HOME}']]]);
  const { blocks } = renderOf(template, { stubDomains });
  assert.equal(blocks[0]!.directives[0]!.args[1]!.text, '/root');
  assert.equal(blocks[1]!.keys[0]!.text, '{$HOME}:53');
  assert.equal(blocks[1]!.directives.at(-1)!.args[1]!.text, '{$HOME}');
});

test('an error has its place in the template', () => {
  const at = '/etc/coredns/Corefile.base';
  const template =
    '.:53 {\n  bind __PILLAR__LOCAL__DNS__ __PILLAR__DNS__SERVER__ nowhere!\n bufsize 1\n}';
  assert.match(failureOf(template), new RegExp(`^${at}:3:10: bufsize: `));
  assert.match(failureOf('.:53 {\n  __PILLAR__DNS__SERVER__ }} {\n'), new RegExp(`^${at}:2:30: `));
  assert.match(failureOf('# nothing\n'), new RegExp(`^${at}:1:1: expected a server block$`));
  const health = failureOf('. {\n  health __PILLAR__LOCAL__DNS__:8080\n}');
  assert.match(health, new RegExp(`^${at}:2:10: health: `));
});

test('an unknown address of kube-dns is an error where the template needs it', () => {
  const clusterDns = findClusterDns({ upstreamIps: [], service: 'kube-dns', environment: {} });
  const message = failureOf('. {\n  forward . __PILLAR__CLUSTER__DNS__\n}', { clusterDns });
  assert.match(
    message,
    /^\/etc\/coredns\/Corefile\.base:2:13: __PILLAR__CLUSTER__DNS__ has no value: KUBE_DNS_SERVICE_HOST is not set: create the Service 'kube-dns' /,
  );
  assert.match(message, /-upstream-ip$/);
});

test('imports are relative to the rendered file, and what they hold is not filled in', () => {
  const paths: string[] = [];
  const files: FileSource = {
    glob: () => [],
    read: (path) => {
      paths.push(path);
      const text =
        path === '/etc/more/a' ? 'import b' : 'x.test {\n bind __PILLAR__LOCAL__DNS__\n}';
      return { code: 'read', text };
    },
  };
  const { blocks } = renderOf('import more/a\n', {}, { files });
  assert.deepEqual(paths, ['/etc/more/a', '/etc/more/b']);
  assert.equal(blocks[0]!.directives[0]!.args[0]!.text, '__PILLAR__LOCAL__DNS__');
});

const ACME = {
  stubDomains: new Map([
    ['acme.local', ['1.1.1.1']],
    ['b.test', ['1.1.1.1']],
  ]),
};

function keysOf({ blocks }: Rendering): string[] {
  return blocks.flatMap(({ keys }) => keys.map(({ text }) => text));
}

for (const [what, template, isServed] of [
  ['a zone of the template', 'acme.local {\n bind 169.254.20.10\n}', false],
  ['one in other letter case', 'b.org ACME.local.:53 {\n bind 169.254.20.10\n}', false],
  ['one of an interface', 'acme.local {\n bind eth0\n}', false],
  ['one on all addresses', 'acme.local {\n}', false],
  ['one of another port', 'acme.local:54 {\n bind 169.254.20.10\n}', true],
  ['one of another address', 'acme.local {\n bind 192.0.2.1\n}', true],
] as const) {
  test(`a stub domain and ${what}`, () => {
    const rendering = renderOf(template, ACME);
    assert.equal(keysOf(rendering).includes('acme.local:53'), isServed);
    assert.ok(keysOf(rendering).includes('b.test:53'), 'the rest takes effect');
    assert.equal(rendering.problems.length, isServed ? 0 : 1);
    if (isServed) return;
    assert.match(
      rendering.problems[0]!.text,
      /^\/etc\/kube-dns\/stubDomains: "acme\.local": \/etc\/coredns\/Corefile\.base:1:\d+ serves this zone already: /,
    );
    readServerBlocks(rendering.blocks, { defaultPort: 53, files: NO_FILES, warn: () => {} });
  });
}

test('where the template binds nothing, stub domains bind nothing', () => {
  const { blocks } = renderOf('. {\n}', ACME);
  const names = blocks[1]!.directives.map(({ name }) => name.text);
  assert.deepEqual(names, ['errors', 'cache', 'forward']);
  readServerBlocks(blocks, { defaultPort: 53, files: NO_FILES, warn: () => {} });
});

test('the text, read again, is the same blocks, and holds the settings', () => {
  const settings = { ...UPSTREAM, ...ACME };
  const { text, blocks } = renderOf(STOCK, settings);
  const again = parseCorefile(text, { file: 'x', environment: {}, files: NO_FILES });
  assert.equal(printCorefile(again), printCorefile(blocks));
  assert.deepEqual(readRecord(text), settings);
});

test('a text without settings, or with wrong ones, holds none', () => {
  for (const text of [
    '',
    '. {\n}\n',
    '# kube-dns: {"stub',
    '# kube-dns: 3',
    '# kube-dns: {"stubDomains":{"a":[]}}',
  ]) {
    assert.equal(readRecord(text), undefined);
  }
});

test('the address of kube-dns', () => {
  const of = (environment: Record<string, string>, upstreamIps: string[] = []) =>
    findClusterDns({ upstreamIps, service: 'kube-dns-upstream', environment });
  const variable = 'KUBE_DNS_UPSTREAM_SERVICE_HOST';
  assert.deepEqual(of({ [variable]: '10.0.0.1' }), { code: 'known', addresses: ['10.0.0.1'] });
  assert.deepEqual(of({ [variable]: 'x' }, ['10.0.0.2', 'fd00::1']), {
    code: 'known',
    addresses: ['10.0.0.2', 'fd00::1'],
  });
  for (const environment of [{}, { [variable]: '' }, { [variable]: 'None' }]) {
    assert.equal(of(environment).code, 'unknown');
  }
});

test('no template, however odd, throws anything but a CorefileError', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '__PILLAR__UPSTREAM__SERVERS__',
      '__PILLAR__LOCAL__DNS__',
      '__PILLAR__DNS__SERVER__',
    ),
    fc.constantFrom(' ', '\n', '{', '}', '"', '\\', '#', 'forward', 'bind', '.', 'force_tcp', '__'),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      try {
        renderOf(pieces.join(''), { ...UPSTREAM, ...ACME });
      } catch (error) {
        assert(error instanceof CorefileError, String(error));
      }
    }),
  );
});
