/** `zerohop lint` as an operator runs it: exit codes, standard input, JSON, hostile text. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { zerohop } from './zerohop-command.ts';

const GOOD = `. {
  errors
  reload
  bind 169.254.20.10
  cache 30 {
    serve_stale
  }
  forward . 198.51.100.53
}
`;

suite('zerohop lint', { concurrency: true }, () => {
  test('0: nothing, or notes only', async () => {
    const { code, stdout, stderr } = await zerohop(['lint', '-'], GOOD);
    assert.deepEqual([code, stdout, stderr], [0, 'will run: 0 errors, 0 warnings, 0 notes\n', '']);
    const noted = await zerohop(['lint', '-'], GOOD.replace('  reload\n', ''));
    assert.equal(noted.code, 0);
    assert.match(noted.stdout, /^stdin:1:1: note: no reload: .* \[reload-missing\]$/m);
  });

  test('1: warnings; 2: it will not run', async () => {
    const warned = await zerohop(['lint', '-'], GOOD.replace('  bind 169.254.20.10\n', ''));
    assert.equal(warned.code, 1);
    assert.match(
      warned.stdout,
      /^stdin:1:1: warning: no bind: .* \[bind-wildcard\]\n {4}on the host network/m,
    );
    assert.match(warned.stdout, /^will run: 0 errors, 1 warning, 0 notes$/m);
    const wrong = await zerohop(['lint', '-'], GOOD.replace('cache 30', 'cache 0'));
    assert.equal(wrong.code, 2);
    assert.match(
      wrong.stdout,
      /^stdin:5:9: error: cache: '0': expected an integer .* \[invalid-directive\]$/m,
    );
    assert.match(wrong.stdout, /^will not run: 1 error,/m);
  });

  test('1: what the daemon passes over', async () => {
    const text = GOOD.replace('serve_stale', 'serve_stale\n    success 9984 30 5 surplus');
    const { code, stdout } = await zerohop(['lint', '-'], `${text}}\n`);
    assert.equal(code, 1);
    assert.match(
      stdout,
      /^stdin:7:23: warning: cache: success: 'surplus' passed over: write 1 to 3 .* \[ignored\]$/m,
    );
    assert.match(stdout, /^stdin:11:1: warning: a '}' too many is passed over: .* \[ignored\]$/m);
    assert.match(stdout, /^will run: 0 errors, 2 warnings, 0 notes$/m);
  });

  test('JSON', async () => {
    const { code, stdout } = await zerohop(
      ['lint', '--json', '-'],
      GOOD.replace('errors', 'erors'),
    );
    assert.equal(code, 2);
    const report = JSON.parse(stdout);
    assert.deepEqual(
      [report.willRun, report.errors, report.warnings, report.notes],
      [false, 1, 0, 1],
    );
    const { problem, ...finding } = report.findings[1];
    const at = { file: 'stdin', line: 2, column: 3 };
    assert.deepEqual(finding, { rule: 'unknown-directive', level: 'error', ...at });
    assert.match(problem, /^Unknown directive 'erors': expected one of /);
  });

  test('files, and options that say what the node has', async (t) => {
    const directory = temporaryDirectory(t);
    const corefile = join(directory, 'Corefile');
    const resolvConf = join(directory, 'resolv.conf');
    writeFileSync(
      corefile,
      GOOD.replace('198.51.100.53', '/etc/resolv.conf').replace('}\n}', '}\n}'),
    );
    writeFileSync(resolvConf, 'nameserver 127.0.0.53\n');
    const unknown = await zerohop(['lint', corefile]);
    assert.deepEqual([unknown.code, /\[resolv-conf-unknown\]/.test(unknown.stdout)], [0, true]);
    const known = await zerohop(['lint', '--resolv-conf', resolvConf, corefile]);
    assert.equal(known.code, 1);
    assert.match(known.stdout, /:8:13: warning: \/etc\/resolv\.conf names 127\.0\.0\.53: /);
    const health = GOOD.replace('  reload', '  reload\n  health __PILLAR__LOCAL__DNS__:8080');
    const two = await zerohop(['lint', '--local-ip', '169.254.20.10,10.96.0.10', '-'], health);
    assert.match(two.stdout, /^stdin:4:10: error: health: unexpected /m);
    assert.equal(two.code, 2);
  });

  test('what cannot be read, and a wrong command line', async (t) => {
    const none = await zerohop(['lint', join(temporaryDirectory(t), 'none')]);
    assert.deepEqual([none.code, none.stdout], [2, '']);
    assert.match(none.stderr, /^zerohop: lint: ENOENT: /);
    const wrong = await zerohop(['lint', '--local-ip', 'localhost', '-']);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /^zerohop: lint: --local-ip 'localhost': expected an IP address/);
  });

  test('text of others moves no cursor', async () => {
    const hostile = '. {\n  "\u001b[2J\u0007evil" x\n  forward . "\u009b31m"\n}\n';
    for (const args of [
      ['lint', '-'],
      ['lint', '--json', '-'],
    ]) {
      const { stdout } = await zerohop(args, hostile);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
      assert.doesNotMatch(stdout, /[\u0000-\u0009\u000b-\u001f\u007f]/);
      if (args.length === 2) assert.doesNotMatch(stdout, /\u009b/);
    }
  });

  test('--rules lists them', async () => {
    const { code, stdout } = await zerohop(['lint', '--rules']);
    assert.equal(code, 0);
    assert.match(stdout, /^force-tcp-external +warning +force_tcp toward/m);
  });
});
