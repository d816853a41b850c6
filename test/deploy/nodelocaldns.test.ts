/**
 * deploy/nodelocaldns.yaml: Kubernetes takes it, our own parser and lint take the Corefile in it, in every way in which
 * operators fill in the placeholders, and its parts fit each other and the daemon's flags.
 */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { readCommandLine } from '../../src/control/flags.ts';
import { lint } from '../../src/lint/lint.ts';
import { textSource } from '../../src/lint/source.ts';
import { fieldProblems, valueProblem } from './kubernetes-schema.ts';
import {
  fillIn,
  IPTABLES_VALUES,
  IPVS_VALUES,
  type KubernetesObject,
  MANIFEST_PATH,
  manifestText,
  objectNamed,
  objectsIn,
} from './manifest.ts';

const WAYS = { iptables: IPTABLES_VALUES, IPVS: IPVS_VALUES };

const OBJECTS = objectsIn(fillIn(manifestText(), IPTABLES_VALUES));
const DAEMON_SET = objectNamed(OBJECTS, 'DaemonSet', 'node-local-dns');
const POD = DAEMON_SET.spec.template;
const CONTAINER = POD.spec.containers[0];

function rulesFound(text: string, localIps: readonly string[] = []): string[] {
  const options = { localIps, resolvConfPath: undefined, environment: {} };
  return lint(textSource(MANIFEST_PATH, text), options).map(
    ({ level, rule }) => `${level} ${rule}`,
  );
}

suite('Kubernetes takes it', () => {
  test('values', async () => {
    for (const object of OBJECTS) assert.equal(await valueProblem(object), undefined, object.kind);
  });

  test('fields', async (t) => {
    assert.equal(await fieldProblems(t, OBJECTS), '');
  });

  test('and both checks find what is wrong', async (t) => {
    const wrong = (container: object): KubernetesObject => {
      const copy = structuredClone(DAEMON_SET);
      Object.assign(copy.spec.template.spec.containers[0], container);
      return copy;
    };
    assert.match((await valueProblem(wrong({ args: [1] })))!, /args\/0 must be string/);
    assert.match(await fieldProblems(t, [wrong({ readynessProbe: {} })]), /'"readynessProbe"'/);
  });
});

suite('its Corefile', () => {
  for (const [name, values] of Object.entries(WAYS)) {
    test(`${name}: has no mistake and no trap`, () => {
      const text = fillIn(manifestText(), values);
      assert.deepEqual(rulesFound(text), ['note resolv-conf-unknown']);
    });
  }

  test('as it stands, what the operator has to fill in is named', () => {
    assert.deepEqual(rulesFound(manifestText()), [
      'warning placeholder-left',
      'warning health-placeholder',
      'note resolv-conf-unknown',
    ]);
  });
});

suite('its parts fit each other', () => {
  test('nothing is left but what the daemon fills in', () => {
    for (const values of Object.values(WAYS)) {
      const objects = objectsIn(fillIn(manifestText(), values));
      const left = JSON.stringify(objects).match(/__[A-Z]+__\w*?__(?=\W)/g) ?? [];
      const byDaemon = ['__PILLAR__CLUSTER__DNS__', '__PILLAR__UPSTREAM__SERVERS__'];
      const allowed = values.dnsServer === '' ? [...byDaemon, '__PILLAR__DNS__SERVER__'] : byDaemon;
      assert.deepEqual(
        [...new Set(left)].filter((word) => !allowed.includes(word)),
        [],
      );
    }
  });

  test('the daemon takes the arguments', () => {
    const line = readCommandLine(CONTAINER.args);
    assert.equal(line.code, 'run', JSON.stringify(line));
    assert.ok(line.code === 'run');
    const { flags } = line;
    assert.deepEqual(flags.localIps, ['169.254.20.10', '10.96.0.10']);
    const [, fallback] = /^(.*)\.kube-system\.svc$/.exec(flags.fallbackService)!;
    const endpoints = objectNamed(OBJECTS, 'Service', fallback!);
    const upstream = objectNamed(OBJECTS, 'Service', flags.upstreamService);
    assert.deepEqual(endpoints.spec.selector, upstream.spec.selector);
    assert.equal(endpoints.spec.clusterIP, 'None');
    assert.equal(upstream.spec.clusterIP, undefined);
    assert.equal(POD.spec.enableServiceLinks, true);
  });

  test('what the daemon writes is on a volume, and what it reads is where it looks', () => {
    const line = readCommandLine(CONTAINER.args);
    assert.ok(line.code === 'run');
    const { corefilePath, pidfilePath, controlSocketPath, baseCorefilePath } = line.flags;
    const mounts = new Map<string, string>();
    for (const { mountPath, name } of CONTAINER.volumeMounts) mounts.set(mountPath, name);
    const volumes = new Map<string, Record<string, unknown>>();
    for (const { name, ...source } of POD.spec.volumes) volumes.set(name, source);
    for (const path of [corefilePath, pidfilePath, controlSocketPath]) {
      assert.equal(mounts.get(`/${path.split('/')[1]}`), 'run', path);
    }
    assert.ok('emptyDir' in volumes.get('run')!);
    // The daemon makes the socket's directory itself, with mode 0700.
    assert.ok(!mounts.has('/run/zerohop'));
    assert.deepEqual(volumes.get(mounts.get('/etc/coredns')!), {
      configMap: { name: 'node-local-dns', items: [{ key: 'Corefile', path: 'Corefile.base' }] },
    });
    assert.equal(baseCorefilePath, '/etc/coredns/Corefile.base');
    assert.ok('hostPath' in volumes.get(mounts.get('/run/xtables.lock')!)!);
    assert.equal(CONTAINER.securityContext.readOnlyRootFilesystem, true);
  });

  test('probes ask the address and port of health', () => {
    const corefile = objectNamed(OBJECTS, 'ConfigMap', 'node-local-dns').data!['Corefile']!;
    const [, host, port] = /^ *health (\S+):(\d+)$/m.exec(corefile)!;
    for (const probe of [CONTAINER.livenessProbe, CONTAINER.readinessProbe]) {
      assert.deepEqual([probe.httpGet.host, probe.httpGet.port], [host, Number(port)]);
    }
  });

  test('two pods of an update fit on a node', () => {
    assert.equal(CONTAINER.ports, undefined);
    assert.deepEqual(DAEMON_SET.spec.updateStrategy.rollingUpdate, {
      maxSurge: '10%',
      maxUnavailable: 0,
    });
  });

  test('labels and selectors', () => {
    const label = { 'k8s-app': 'node-local-dns' };
    assert.deepEqual(DAEMON_SET.spec.selector.matchLabels, label);
    assert.deepEqual(POD.metadata.labels, label);
    assert.deepEqual(objectNamed(OBJECTS, 'Service', 'node-local-dns').spec.selector, label);
  });

  test('the least of privileges', () => {
    const { capabilities, allowPrivilegeEscalation, seccompProfile } = CONTAINER.securityContext;
    assert.deepEqual(capabilities, { drop: ['ALL'], add: ['NET_ADMIN', 'NET_BIND_SERVICE'] });
    assert.equal(allowPrivilegeEscalation, false);
    assert.deepEqual(seccompProfile, { type: 'RuntimeDefault' });
    assert.equal(POD.spec.automountServiceAccountToken, false);
  });
});
