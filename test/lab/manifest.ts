/**
 * The pod of `deploy/nodelocaldns.yaml` on a node of the lab: its flags, its Corefile as the template that the daemon fills in, and the
 * ConfigMap kube-dns, mounted as the kubelet mounts them. Placeholders are filled in as docs/deploy.md has it done by `sed`.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { type Keys, mountConfigMap } from '../support/config-map.ts';
import { Server } from './commands.ts';
import type { LabNode } from './lab.ts';
import { KUBE_DNS, KUBE_DNS_UPSTREAM, LINK_LOCAL } from './topology.ts';
import { CLUSTER } from './zones.ts';

const MANIFEST = join(import.meta.dirname, '../../deploy/nodelocaldns.yaml');

export interface Manifest {
  /** Of the ConfigMap node-local-dns. */
  readonly template: string;
  readonly args: readonly string[];
}

/** With the addresses that pods are to ask: both, or in IPVS mode the link-local one only. */
export function readManifest(mode: 'iptables' | 'ipvs' = 'iptables'): Manifest {
  const text = readFileSync(MANIFEST, 'utf8')
    .replaceAll('__PILLAR__LOCAL__DNS__,__PILLAR__DNS__SERVER__', () => {
      return mode === 'ipvs' ? LINK_LOCAL.v4 : `${LINK_LOCAL.v4},${KUBE_DNS.v4}`;
    })
    .replaceAll('__PILLAR__LOCAL__DNS__', LINK_LOCAL.v4)
    .replaceAll('__PILLAR__DNS__SERVER__', mode === 'ipvs' ? '' : KUBE_DNS.v4)
    .replaceAll('__PILLAR__DNS__DOMAIN__', CLUSTER);
  const objects = parseAllDocuments(text).map((document) => document.toJS());
  const find = (kind: string) => objects.find((each) => each.kind === kind);
  return {
    template: find('ConfigMap').data.Corefile,
    args: find('DaemonSet').spec.template.spec.containers[0].args,
  };
}

export interface PodOptions {
  readonly manifest: Manifest;
  /** What the image starts. */
  readonly program: readonly string[];
  /** Behind the manifest's. */
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

export class DaemonSetPod {
  readonly server: Server;
  readonly #folder: string;

  /** Starts it and waits for nothing. */
  constructor(node: LabNode, { manifest, program, args = [], environment = {} }: PodOptions) {
    this.#folder = join(node.folder, `pod-${++podCount}`);
    const run = join(this.#folder, 'run');
    const template = join(this.#folder, 'coredns');
    mkdirSync(run, { recursive: true });
    mountConfigMap(template, { 'Corefile.base': manifest.template });
    this.setKubeDns({});
    // The manifest's mounts, by flags: this machine has one root for all.
    const mounts = [
      ...['-basecorefile', join(template, 'Corefile.base')],
      ...['-kubednscm', join(this.#folder, 'kube-dns')],
    ];
    const own = manifest.args.map((each) => each.replace(/^\/run\//, `${run}/`));
    this.server = new Server([...node.enter, ...program, ...own, ...mounts, ...args], {
      KUBE_DNS_UPSTREAM_SERVICE_HOST: KUBE_DNS_UPSTREAM.v4,
      ...environment,
    });
  }

  /** The ConfigMap kube-dns, as edited. */
  setKubeDns(keys: Keys): void {
    mountConfigMap(join(this.#folder, 'kube-dns'), keys);
  }
}

let podCount = 0;
