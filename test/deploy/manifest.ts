/** deploy/nodelocaldns.yaml, filled in as an operator's sed does it, and what stands in it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';

export const ROOT = join(import.meta.dirname, '../..');
export const MANIFEST_PATH = 'deploy/nodelocaldns.yaml';

/** Of a Kubernetes object, what these tests look at; all of it is held against Kubernetes' own schemas beside that. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly data?: Readonly<Record<string, string>>;
  // biome-ignore lint/suspicious/noExplicitAny: the schemas hold its shape.
  readonly spec?: any;
}

export interface Values {
  readonly localDns: string;
  /** Empty: none is intercepted, as in IPVS mode. */
  readonly dnsServer: string;
  readonly domain: string;
  /** Of the second family. */
  readonly second?: { readonly localDns: string; readonly dnsServer: string };
}

export const IPTABLES_VALUES: Values = {
  localDns: '169.254.20.10',
  dnsServer: '10.96.0.10',
  domain: 'cluster.local',
};
export const IPVS_VALUES: Values = { ...IPTABLES_VALUES, dnsServer: '' };
export const DUAL_STACK_VALUES: Values = {
  ...IPTABLES_VALUES,
  second: { localDns: 'fd00:53::10', dnsServer: 'fd00:10:96::a' },
};

export function manifestText(): string {
  return readFileSync(join(ROOT, MANIFEST_PATH), 'utf8');
}

/** What the commands of docs/deploy.md make of a manifest. */
export function fillIn(text: string, values: Values): string {
  const { localDns, dnsServer, domain, second } = values;
  const intercepted = dnsServer === '' ? text.replaceAll(',__PILLAR__DNS__SERVER__', '') : text;
  return intercepted
    .replaceAll('__ZEROHOP__SECOND__LOCAL__DNS__', second?.localDns ?? '')
    .replaceAll('__ZEROHOP__SECOND__DNS__SERVER__', second?.dnsServer ?? '')
    .replaceAll('__PILLAR__LOCAL__DNS__', localDns)
    .replaceAll('__PILLAR__DNS__DOMAIN__', domain)
    .replaceAll('__ZEROHOP__IMAGE__', 'registry.example.com/zerohop:0.1.0')
    .replaceAll(
      dnsServer === '' ? ' __PILLAR__DNS__SERVER__' : '__PILLAR__DNS__SERVER__',
      dnsServer,
    );
}

/** Throws where it is no YAML, or has a key twice. */
export function objectsIn(text: string): KubernetesObject[] {
  return parseAllDocuments(text).map((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw error;
    return document.toJS() as KubernetesObject;
  });
}

export function objectNamed(
  objects: readonly KubernetesObject[],
  kind: string,
  name: string,
): KubernetesObject {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name);
  if (found === undefined) throw new Error(`no ${kind} ${name}`);
  return found;
}
