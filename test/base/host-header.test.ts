import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOwnHost, setClusterDomains } from '../../src/base/host-header.ts';

setClusterDomains(['.', 'corp.example.org.', 'in-addr.arpa.']);

const MACHINE = 'ip-10-0-0-7.eu.Example.org';

const OWN = [
  '',
  '127.0.0.1',
  '169.254.20.10:9253',
  '[::1]',
  '[fe80::1]:9353',
  'localhost:9253',
  'LOCALHOST.',
  'node1:9253',
  'ip-10-0-0-7.eu.example.org',
  'IP-10-0-0-7.eu.example.org.:9253',
  'node-local-dns.kube-system.svc',
  'node-local-dns.kube-system.svc:9253',
  'node-local-dns.kube-system.svc.cluster.local',
  'node-local-dns.kube-system.svc.corp.example.org.:9253',
  '10-0-0-7.kube-system.pod.cluster.local',
];

const FOREIGN = [
  'example.org',
  'example.org:9253',
  'rebind.attacker.example',
  '127.0.0.1.nip.io',
  'localhost.attacker.example',
  'svc.attacker.example',
  'node-local-dns.kube-system.svc.attacker.example',
  'x.svc.attacker.example:9253',
  'x.svc.cluster.local.attacker.example',
  'x.svc.in-addr.arpa',
  'corp.example.org',
  'x.corp.example.org',
  'cluster.local.attacker.example',
  'notcluster.local',
  '[example.org]',
  '[::1',
  '::1',
  'a:b:c',
  'eu.example.org',
];

for (const header of OWN) {
  test(`own: ${JSON.stringify(header)}`, () => assert.equal(isOwnHost(header, MACHINE), true));
}
for (const header of FOREIGN) {
  test(`foreign: ${JSON.stringify(header)}`, () => assert.equal(isOwnHost(header, MACHINE), false));
}
