/**
 * A credential plugin of a kubeconfig (`exec`), such as `aws eks get-token`: the command is run without a shell and without a
 * terminal, and prints an ExecCredential (client.authentication.k8s.io). It has a minute, as a plugin may ask a cloud, and 1 MiB to say it in.
 */
import { execFile } from 'node:child_process';
import { ClusterError, WAY_OUT } from './access.ts';

export interface ExecPlugin {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly apiVersion: string;
  readonly providesClusterInfo: boolean;
  readonly installHint: string | undefined;
  /** The kubeconfig, for errors. */
  readonly file: string;
}

/** What the plugin may be told of the cluster. */
export interface PluginCluster {
  readonly server: URL;
  readonly ca: string | undefined;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface PluginCredential {
  readonly token: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

const API_VERSIONS = ['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1'];
const TIMEOUT_MS = 60_000;
const OUTPUT_BYTES_MAX = 1024 * 1024;

/** Throws a `ClusterError` where the plugin does not run, does not end, or prints something else. */
export async function runExecPlugin(
  plugin: ExecPlugin,
  cluster: PluginCluster,
  timeoutMs = TIMEOUT_MS,
): Promise<PluginCredential> {
  const { apiVersion, command, file } = plugin;
  if (!API_VERSIONS.includes(apiVersion)) {
    const expected = API_VERSIONS.join(' or ');
    throw new ClusterError(`${file}: exec: apiVersion '${apiVersion}': expected ${expected}`);
  }
  const spec = {
    interactive: false,
    ...(plugin.providesClusterInfo ? { cluster: clusterInfo(cluster) } : {}),
  };
  const info = JSON.stringify({ apiVersion, kind: 'ExecCredential', spec });
  const output = await run(plugin, { KUBERNETES_EXEC_INFO: info }, timeoutMs);
  const credential = credentialIn(output);
  if (credential === undefined) {
    throw new ClusterError(
      `${file}: exec: ${command}: expected an ExecCredential with a token or a client certificate, ${WAY_OUT}`,
    );
  }
  return credential;
}

function clusterInfo({ server, ca, fields }: PluginCluster): object {
  const extensions = Array.isArray(fields['extensions']) ? fields['extensions'] : [];
  const config = extensions.find(({ name }) => name === 'client.authentication.k8s.io/exec');
  return {
    server: server.href.replace(/\/$/, ''),
    ...(ca === undefined
      ? {}
      : { 'certificate-authority-data': Buffer.from(ca).toString('base64') }),
    config: config?.extension ?? null,
  };
}

function run(
  { command, args, env, file, installHint }: ExecPlugin,
  extra: Readonly<Record<string, string>>,
  timeoutMs: number,
): Promise<string> {
  const options = {
    env: { ...process.env, ...env, ...extra },
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    maxBuffer: OUTPUT_BYTES_MAX,
  } as const;
  return new Promise((resolve, reject) => {
    const child = execFile(command, [...args], options, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const problem = problemOf(error, stderr, timeoutMs);
      const hint = error.code === 'ENOENT' && installHint ? `: ${installHint}` : '';
      reject(new ClusterError(`${file}: exec: ${command}: ${problem}${hint}`, { cause: error }));
    });
    child.stdin?.end();
  });
}

function problemOf(
  error: Error & { code?: unknown; killed?: boolean },
  stderr: string,
  timeoutMs: number,
): string {
  if (error.code === 'ENOENT') return 'no such command';
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return 'prints more than 1 MiB';
  if (error.killed) return `did not end within ${timeoutMs / 1000} s`;
  const last = stderr.trim().split('\n').at(-1);
  return last || `failed (${error.code})`;
}

function credentialIn(output: string): PluginCredential | undefined {
  let status: Record<string, unknown> | undefined;
  try {
    status = JSON.parse(output)?.status;
  } catch {
    return undefined;
  }
  const text = (name: string) => {
    const value = status?.[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const credential = {
    token: text('token'),
    cert: text('clientCertificateData'),
    key: text('clientKeyData'),
  };
  const hasPair = credential.cert !== undefined && credential.key !== undefined;
  return hasPair || credential.token !== undefined ? credential : undefined;
}
