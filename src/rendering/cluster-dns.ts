/**
 * The addresses of kube-dns that `__PILLAR__CLUSTER__DNS__` stands for: those of `-upstream-ip`, else the one that the kubelet puts
 * into the environment for the Service of `-upstreamsvc`.
 */
import type { Environment } from '../corefile/environment.ts';
import { canonicalAddress } from '../directives/address.ts';

export type ClusterDns =
  | { readonly code: 'known'; readonly addresses: readonly string[] }
  /** `problem` says what is missing and what to do. */
  | { readonly code: 'unknown'; readonly problem: string };

export interface ClusterDnsOptions {
  /** Of `-upstream-ip`; empty: not given. */
  readonly upstreamIps: readonly string[];
  /** The Service's name, as in `-upstreamsvc`. */
  readonly service: string;
  readonly environment: Environment;
}

export function findClusterDns({
  upstreamIps,
  service,
  environment,
}: ClusterDnsOptions): ClusterDns {
  if (upstreamIps.length > 0) return { code: 'known', addresses: upstreamIps };
  // The kubelet's spelling of a Service's name.
  const variable = `${service.toUpperCase().replaceAll('-', '_')}_SERVICE_HOST`;
  const value = environment[variable];
  const address = canonicalAddress(value ?? '');
  if (address !== undefined) return { code: 'known', addresses: [address] };
  const fault = value === undefined ? 'is not set' : `is '${value}', which is no IP address`;
  return {
    code: 'unknown',
    problem:
      `${variable} ${fault}: create the Service '${service}' in the namespace of this pod and restart the pod, ` +
      'name another one with -upstreamsvc, or give the address with -upstream-ip',
  };
}
