import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { chooseInterception } from '../../../src/host/choice.ts';
import { isInNamespace, runInNamespace } from '../../support/namespace.ts';
import { until } from '../../support/until.ts';
import { OPTIONS, start } from './interception-tests.ts';
import { holdLock, testIptables } from './iptables-tests.ts';
import { legacyProblem } from './legacy.ts';

if (!isInNamespace()) {
  test('in a namespace', { skip: legacyProblem() }, (t) => runInNamespace(t, import.meta.filename));
} else {
  await testIptables('iptables-legacy');
  test('the lock of iptables-legacy', async (t) => {
    await t.test('is waited for', async (t) => {
      const holder = await holdLock(t);
      const starting = start();
      await until('somebody waits for it', () =>
        /-> FLOCK/.test(readFileSync('/proc/locks', 'utf8')),
      );
      holder.kill('SIGKILL');
      const interception = await starting;
      const { addresses } = await interception.describe();
      for (const { rulesExpected, rulesPresent } of addresses) {
        assert.equal(rulesPresent, rulesExpected);
      }
    });

    await t.test('is given up in the end, by name, and renewals do not need it', async (t) => {
      const interception = await chooseInterception({ ...OPTIONS, addresses: ['169.254.20.10'] });
      await holdLock(t);
      const { failures } = await interception.ensure();
      assert.deepEqual(
        failures.map(({ code }) => code),
        ['lock'],
      );
      assert.equal(await interception.renew(), undefined);
      assert.deepEqual(await interception.withdraw(), []);
    });
  });
}
