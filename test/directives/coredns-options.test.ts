/**
 * Each directive that this version delivers takes every option of CoreDNS that `coredns-options.ts` lists: with typical arguments,
 * not with too few or too many or with wrong ones; and leaving it out means what its default written out means.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DIRECTIVE_ORDER, type DirectiveName } from '../../src/directives/order.ts';
import { COREDNS_OPTIONS, type OptionFacts } from './coredns-options.ts';
import { lineWith, wordsOf, wrongCounts } from './option-lines.ts';
import { configOf, failureOf } from './server-block.ts';

/** What the directives read when the Corefile is read. */
const FILES = {
  '/etc/resolv.conf': 'nameserver 192.0.2.1\n',
  '/etc/hosts': '192.0.2.7 seven.example\n',
  '/etc/weights': 'a.example\n192.0.2.1 3\n',
};

/** CoreDNS does not look whether a block stands behind them. */
const BLOCKS_UNSEEN: ReadonlySet<DirectiveName> = new Set(['bufsize', 'reload']);

/** The directive without that option. */
function leftOut(name: DirectiveName, option: OptionFacts): string {
  return option.place === 'line'
    ? name
    : `${option.head ?? COREDNS_OPTIONS[name].head} {\n${option.beside}\n}`;
}

/** The settings without where they stand. */
function settingsOf(corefile: string): unknown {
  const { canonical: _, ...settings } = configOf(corefile, FILES);
  return JSON.parse(JSON.stringify(settings, (key, value) => (key === 'at' ? undefined : value)));
}

for (const name of DIRECTIVE_ORDER) {
  const { head, again, options } = COREDNS_OPTIONS[name];
  describe(name, () => {
    for (const option of options) {
      const title = `${option.option} ${option.shape}`.trim() || 'alone';
      test(`${title}, since ${option.since}`, () => {
        for (const args of option.accepted) {
          assert.ok(configOf(lineWith(name, option, args), FILES), args);
        }
        const counts = wrongCounts(option);
        for (const args of counts.passedOver) {
          const warnings: string[] = [];
          assert.ok(configOf(lineWith(name, option, args), FILES, warnings), args);
          assert.match(warnings.join(), new RegExp(`^[2-9]:\\d+ ${name}: `), args);
        }
        for (const args of [...counts.refused, ...option.rejected]) {
          const message = failureOf(lineWith(name, option, args), FILES);
          assert.match(message, new RegExp(`^Corefile:[2-9]:\\d+: ${name}: `), args);
        }
        if (option.default === undefined) return;
        const explicit = settingsOf(lineWith(name, option, option.default));
        assert.deepEqual(explicit, settingsOf(leftOut(name, option)), option.default);
      });
    }

    test('an option that CoreDNS has not', () => {
      // Before `fallthrough` any word is a line of a hosts file.
      const before = (name as DirectiveName) === 'hosts' ? 'fallthrough' : '';
      const lines = `${head} {\n${before}\nno_such_option\n}`;
      if (BLOCKS_UNSEEN.has(name)) {
        const warnings: string[] = [];
        assert.ok(configOf(lines, FILES, warnings));
        assert.match(warnings.join(), /^2:1 [a-z]+: the block is passed over/);
      } else {
        assert.match(failureOf(lines, FILES), /: [a-z0-9]+: /);
      }
    });

    test('a second one in the server block', () => {
      const twice = `${lineOf(name)}\n${lineOf(name)}`;
      if (again === 'once') assert.match(failureOf(twice, FILES), /expected once/);
      else assert.ok(configOf(twice, FILES));
    });
  });
}

/** The directive as it may stand alone. */
function lineOf(name: DirectiveName): string {
  return name === 'timeouts' ? 'timeouts {\nread 3s\n}' : COREDNS_OPTIONS[name].head;
}

test('the table has whole rows', () => {
  for (const [name, { options }] of Object.entries(COREDNS_OPTIONS)) {
    for (const { option, accepted, rejected, count } of options) {
      const label = `${name} ${option}`;
      assert.ok(accepted.length + rejected.length > 0, label);
      for (const args of accepted) {
        const size = args.includes('{\n') ? count[0] : wordsOf(args).length;
        assert.ok(size >= count[0] && size <= count[1], `${label} ${args}`);
      }
    }
  }
});
