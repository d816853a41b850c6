/** In a pod: the cluster's API as the kubelet tells of it, with the token of the pod's service account. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hostPort } from '../base/ip-address.ts';
import { type ApiAccess, ClusterError, serverUrl } from './access.ts';

/** Where the kubelet mounts it. */
export const SERVICE_ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

type Environment = Readonly<Record<string, string | undefined>>;

/** Whether this process runs in a pod. */
export function isInPod(environment: Environment): boolean {
  return (environment['KUBERNETES_SERVICE_HOST'] ?? '') !== '';
}

/** Throws a `ClusterError` where the pod has no token. */
export function readServiceAccount(
  environment: Environment,
  folder = SERVICE_ACCOUNT_FOLDER,
): ApiAccess {
  const host = environment['KUBERNETES_SERVICE_HOST'] ?? '';
  const port = Number(environment['KUBERNETES_SERVICE_PORT'] ?? '443');
  const read = (name: string) => {
    try {
      return readFileSync(join(folder, name), 'utf8');
    } catch (error) {
      throw new ClusterError(
        `service account: ${(error as Error).message}: expected a pod with automountServiceAccountToken`,
        { cause: error },
      );
    }
  };
  return {
    server: serverUrl('KUBERNETES_SERVICE_HOST', `https://${hostPort(host, port)}`),
    tls: {
      ca: read('ca.crt'),
      cert: undefined,
      key: undefined,
      serverName: undefined,
      isVerified: true,
    },
    token: read('token').trim(),
  };
}
