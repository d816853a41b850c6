/**
 * A cluster's API as far as `zerohop render` asks it, over real TLS on a free port: it knows who asks by bearer token or client
 * certificate, and says no as Kubernetes does, by an object of kind Status.
 */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { CleanUp } from '../support/temporary-directory.ts';
import { CERTIFICATE, KEY } from '../upstream/support-certificate.ts';

export const TOKEN = 'a-token-of-this-test';

/** An object, a status with its message, or text as it stands; 'silence': no answer. */
export type ApiPage = object | string | 'silence';

export interface ApiServer {
  readonly url: string;
  /** As they came, path and query. */
  readonly asked: readonly string[];
}

export const KUBE_SYSTEM = '/api/v1/namespaces/kube-system';

export function service(name: string, ...clusterIPs: string[]): object {
  const metadata = { name, namespace: 'kube-system' };
  return { kind: 'Service', metadata, spec: { clusterIP: clusterIPs[0], clusterIPs } };
}

export function configMap(data: Readonly<Record<string, string>>): object {
  return { kind: 'ConfigMap', data };
}

export function status(code: number, message: string): object {
  return { kind: 'Status', status: 'Failure', message, code };
}

/** A cluster as kubeadm makes it. */
export const KUBEADM: Readonly<Record<string, ApiPage>> = {
  [`${KUBE_SYSTEM}/services/kube-dns`]: service('kube-dns', '10.100.0.10'),
  [`${KUBE_SYSTEM}/configmaps/coredns`]: configMap({
    Corefile:
      '.:53 {\n    errors\n    kubernetes k8s.example.org in-addr.arpa ip6.arpa {\n        pods insecure\n    }\n    import custom/*.override\n    forward . /etc/resolv.conf\n}\n',
  }),
  [`${KUBE_SYSTEM}/configmaps/kube-proxy`]: configMap({
    'config.conf':
      'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: ""\n',
  }),
};

/** `prefix`: of every path, as an API behind a proxy has it. */
export async function startApi(
  test: CleanUp,
  pages: Readonly<Record<string, ApiPage>>,
  prefix = '',
): Promise<ApiServer> {
  const asked: string[] = [];
  const tls = { cert: CERTIFICATE, key: KEY, ca: CERTIFICATE };
  const server = createServer({ ...tls, requestCert: true, rejectUnauthorized: false });
  server.on('request', (request, response) => {
    const path = request.url!;
    asked.push(path);
    const page = path.startsWith(prefix) ? pages[path.slice(prefix.length)] : undefined;
    if (page === 'silence') return;
    const answer = isKnown(request)
      ? (page ?? status(404, `"${path}" not found`))
      : status(401, 'Unauthorized');
    response.statusCode = (answer as { code?: number }).code ?? 200;
    response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
  });
  const { port } = await listen(server);
  test.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `https://127.0.0.1:${port}${prefix}`, asked };
}

function isKnown(request: IncomingMessage): boolean {
  const { authorization } = request.headers;
  return authorization === `Bearer ${TOKEN}` || (request.socket as TLSSocket).authorized;
}

async function listen(server: Server): Promise<AddressInfo> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address() as AddressInfo;
}
