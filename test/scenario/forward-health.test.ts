/**
 * Health checks of upstreams (CoreDNS plugin/forward: TestHealth and its kin, TestAllUpstreamsDown; test: TestProxyThreeWay): when an
 * upstream is checked and with which question, when it counts as down, and what clients get then.
 */
import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { UdpClient, udpAsk } from '../support/dns-client.ts';
import { FLAG } from '../support/messages.ts';
import { addresses } from '../support/scripted-replies.ts';
import { ScriptedUpstream, type UpstreamQuery } from '../support/scripted-upstream.ts';
import { until } from './stage.ts';

/** An upstream that leaves names with this first label without an answer, and everything while it is dead. */
class Patient {
  isDead = false;
  readonly upstream: ScriptedUpstream;

  private constructor(upstream: ScriptedUpstream) {
    this.upstream = upstream;
  }

  static async admit(t: TestContext): Promise<Patient> {
    const upstream = await ScriptedUpstream.start(t, () => 'drop');
    const patient = new Patient(upstream);
    upstream.handler = (query) => {
      if (patient.isDead || query.question.name.startsWith('silent.')) return 'drop';
      return query.question.type === 'A' ? addresses(query, '192.0.2.1') : { flags: FLAG.RA };
    };
    return patient;
  }

  get to(): string {
    return `127.0.0.1:${this.upstream.port}`;
  }

  get checks(): UpstreamQuery[] {
    return this.upstream.queries.filter(({ question }) => question.type === 'NS');
  }

  asked(name: string): number {
    return this.upstream.queries.filter(({ question }) => question.name === name).length;
  }
}

async function start(t: TestContext, to: string, options: string): Promise<Daemon> {
  return startDaemon(t, {
    corefile: ({ dns }) => `
.:${dns} {
  bind 127.0.0.1
  forward . ${to} {
    policy sequential
    read_timeout 100ms
    ${options}
  }
}`,
  });
}

/** Sends a question and waits for nothing: where nobody answers it takes 5 s, and has done its work long before. */
async function askInVain(t: TestContext, daemon: Daemon, name: string): Promise<void> {
  const client = await UdpClient.open(daemon.address);
  t.after(() => client.close());
  client.send({ name });
}

// Side by side: most of the time they wait.
suite('health checks', { concurrency: true }, () => {
  test('an upstream that answers is never checked', async (t) => {
    const patient = await Patient.admit(t);
    const daemon = await start(t, patient.to, 'health_check 20ms\nread_timeout 5s');
    for (let index = 0; index < 20; index++)
      await udpAsk(daemon.address, { name: `${index}.test` });
    // Where one came late all the same, since this process was stopped, it is asked again and the upstream is checked.
    const late = (await daemon.scrape()).sum('zerohop_upstream_reasks_total', { reason: 'late' });
    assert.ok(patient.checks.length <= late, `${patient.checks.length} checks`);
  });

  for (const [options, name, flags, transport] of [
    ['health_check 50ms', '', FLAG.RD, 'udp'],
    ['health_check 50ms no_rec domain health.test', 'health.test', 0, 'udp'],
    ['health_check 50ms domain health.test\nforce_tcp', 'health.test', FLAG.RD, 'tcp'],
  ] as const) {
    const title = options.replace('\n', ', ');
    test(`${title}: a question without an answer is followed by a check`, async (t) => {
      const patient = await Patient.admit(t);
      const daemon = await start(t, patient.to, options);
      await askInVain(t, daemon, 'silent.test');
      await until('the check', () => patient.checks.length > 0);
      const [check] = patient.checks;
      const { question, decoded } = check!;
      assert.equal(question.name.replace(/^\.$/, ''), name);
      assert.deepEqual([decoded.flags & FLAG.RD, check!.transport], [flags, transport]);
    });
  }

  test('max_fails 0: never checked, never down', async (t) => {
    const patient = await Patient.admit(t);
    const daemon = await start(t, patient.to, 'health_check 20ms\nmax_fails 0');
    assert.equal(
      (await udpAsk(daemon.address, { name: 'silent.test' }, { timeoutMs: 20_000 })).rcode,
      'SERVFAIL',
    );
    assert.deepEqual(patient.checks, []);
    assert.equal((await udpAsk(daemon.address, { name: 'a.test' })).rcode, 'NOERROR');
  });

  test('all are down, failfast: SERVFAIL at once and nobody is asked, until one answers a check', async (t) => {
    const patient = await Patient.admit(t);
    const daemon = await start(
      t,
      patient.to,
      'health_check 50ms\nmax_fails 1\nfailfast_all_unhealthy_upstreams',
    );
    patient.isDead = true;
    await askInVain(t, daemon, 'first.test');
    const failures = async () =>
      (await daemon.scrape()).sum('coredns_proxy_healthcheck_failures_total', { to: patient.to });
    await until('more failures than max_fails', async () => (await failures()) > 1);
    assert.equal((await udpAsk(daemon.address, { name: 'second.test' })).rcode, 'SERVFAIL');
    assert.equal(patient.asked('second.test'), 0);
    const broken = (await daemon.scrape()).sum('coredns_forward_healthcheck_broken_total');
    assert.ok(broken > 0);
    patient.isDead = false;
    await until('an answer', async () => {
      return (await udpAsk(daemon.address, { name: 'third.test' })).rcode === 'NOERROR';
    });
  });

  test('one of three upstreams is dead: clients do not see it, and it is passed over', async (t) => {
    const patients = [await Patient.admit(t), await Patient.admit(t), await Patient.admit(t)];
    const [first, second] = patients;
    const to = patients.map((patient) => patient.to).join(' ');
    const daemon = await start(t, to, 'health_check 50ms\nmax_fails 1');
    first!.isDead = true;
    for (let index = 0; index < 5; index++) {
      assert.equal((await udpAsk(daemon.address, { name: `${index}.test` })).rcode, 'NOERROR');
    }
    await until('the first to be down', async () => {
      const name = `${Math.random()}.down.test`;
      await udpAsk(daemon.address, { name });
      return first!.asked(name) === 0 && second!.asked(name) === 1;
    });
    first!.isDead = false;
    await until('the first to be back', async () => {
      const name = `${Math.random()}.up.test`;
      await udpAsk(daemon.address, { name });
      return first!.asked(name) === 1;
    });
  });
});
