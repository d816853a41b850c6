/**
 * kubectl's own configuration: which cluster, and as whom. Several files are merged as kubectl does it: the first that names a
 * cluster, a user or the current context counts. What kubectl can and this cannot is refused, never passed over.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { type ApiAccess, type ApiTls, ClusterError, serverUrl, WAY_OUT } from './access.ts';
import { type ExecPlugin, runExecPlugin } from './exec-plugin.ts';

type Fields = Readonly<Record<string, unknown>>;

/** A part of a kubeconfig under its name, and the file that its paths start from. */
interface Named {
  readonly file: string;
  readonly fields: Fields;
}

interface Merged {
  readonly files: readonly string[];
  readonly currentContext: string | undefined;
  readonly contexts: ReadonlyMap<string, Named>;
  readonly clusters: ReadonlyMap<string, Named>;
  readonly users: ReadonlyMap<string, Named>;
}

/** Far above any real one's. */
const FILE_BYTES_MAX = 16 * 1024 * 1024;
const UNSUPPORTED_OF_USERS = ['auth-provider', 'username', 'password', 'as', 'as-uid', 'as-groups'];

/**
 * `context`: undefined for the current one. Files that do not exist are passed over where there are several, as kubectl does. Runs the
 * user's credential plugin where there is one. Throws a `ClusterError`.
 */
export async function readKubeconfig(
  files: readonly string[],
  context: string | undefined,
): Promise<ApiAccess> {
  const merged = merge(files.length > 1 ? files.filter((file) => existsSync(file)) : files);
  const where = files.join(', ');
  const name = context ?? merged.currentContext;
  if (name === undefined || name === '') {
    throw new ClusterError(`${where}: no current-context: expected one, or a context by --context`);
  }
  const chosen = merged.contexts.get(name);
  if (chosen === undefined) {
    const known = [...merged.contexts.keys()].join(', ') || 'none';
    throw new ClusterError(`${where}: no context '${name}': there are ${known}`);
  }
  const cluster = partOf(merged.clusters, chosen, name, 'cluster');
  const user = partOf(merged.users, chosen, name, 'user');
  return accessOf(cluster, user);
}

function partOf(
  parts: ReadonlyMap<string, Named>,
  { file, fields }: Named,
  context: string,
  kind: 'cluster' | 'user',
): Named {
  const name = fields[kind];
  const found = typeof name === 'string' ? parts.get(name) : undefined;
  if (found === undefined) {
    throw new ClusterError(`${file}: context '${context}': no ${kind} '${name}' in it`);
  }
  return found;
}

function merge(files: readonly string[]): Merged {
  const contexts = new Map<string, Named>();
  const clusters = new Map<string, Named>();
  const users = new Map<string, Named>();
  let currentContext: string | undefined;
  for (const file of files) {
    const config = read(file);
    currentContext ||= textOf(config['current-context']);
    collect(contexts, config['contexts'], 'context', file);
    collect(clusters, config['clusters'], 'cluster', file);
    collect(users, config['users'], 'user', file);
  }
  return { files, currentContext, contexts, clusters, users };
}

function read(file: string): Fields {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ClusterError(`kubeconfig: ${(error as Error).message}`, { cause: error });
  }
  if (text.length > FILE_BYTES_MAX) throw new ClusterError(`${file}: too large for a kubeconfig`);
  try {
    const config: unknown = parse(text);
    if (isFields(config)) return config;
  } catch (error) {
    const [problem] = (error as Error).message.split('\n');
    throw new ClusterError(`${file}: ${problem}`, { cause: error });
  }
  throw new ClusterError(`${file}: expected a kubeconfig`);
}

function collect(parts: Map<string, Named>, list: unknown, kind: string, file: string): void {
  if (!Array.isArray(list)) return;
  for (const entry of list) {
    const name = isFields(entry) ? textOf(entry['name']) : undefined;
    if (name === undefined || parts.has(name)) continue;
    const fields = (entry as Fields)[kind];
    parts.set(name, { file, fields: isFields(fields) ? fields : {} });
  }
}

async function accessOf(cluster: Named, user: Named): Promise<ApiAccess> {
  const { file, fields } = cluster;
  const server = serverUrl(file, fields['server']);
  refuse(cluster, ['proxy-url']);
  refuse(user, UNSUPPORTED_OF_USERS);
  const tls: ApiTls = {
    ca: pem(cluster, 'certificate-authority'),
    cert: pem(user, 'client-certificate'),
    key: pem(user, 'client-key'),
    serverName: textOf(fields['tls-server-name']),
    isVerified: fields['insecure-skip-tls-verify'] !== true,
  };
  const exec = user.fields['exec'];
  if (exec !== undefined && exec !== null) {
    const plugin = pluginOf(user.file, exec);
    const given = await runExecPlugin(plugin, { server, ca: tls.ca, fields });
    const cert = given.cert ?? tls.cert;
    return { server, tls: { ...tls, cert, key: given.key ?? tls.key }, token: given.token };
  }
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    throw new ClusterError(`${user.file}: expected client-certificate and client-key together`);
  }
  return { server, tls, token: tokenOf(user) };
}

function refuse({ file, fields }: Named, names: readonly string[]): void {
  const found = names.find((name) => fields[name] !== undefined && fields[name] !== '');
  if (found === undefined) return;
  throw new ClusterError(
    `${file}: '${found}' is not supported here: use a context with a token, a client certificate or a credential plugin, ${WAY_OUT}`,
  );
}

function pluginOf(file: string, exec: unknown): ExecPlugin {
  const fields = isFields(exec) ? exec : {};
  const command = textOf(fields['command']);
  if (command === undefined) throw new ClusterError(`${file}: exec: expected a command`);
  const args = Array.isArray(fields['args']) ? fields['args'].map(String) : [];
  const env = Array.isArray(fields['env']) ? fields['env'] : [];
  return {
    // A bare name is looked for on the PATH; a path starts where the kubeconfig is.
    command: command.includes('/') ? resolve(dirname(file), command) : command,
    args,
    env: Object.fromEntries(env.map(({ name, value }) => [String(name), String(value)])),
    apiVersion: textOf(fields['apiVersion']) ?? '',
    providesClusterInfo: fields['provideClusterInfo'] === true,
    installHint: textOf(fields['installHint']),
    file,
  };
}

/** From `NAME-data` (base64), else from the file that `NAME` is the path of. */
function pem(part: Named, name: string): string | undefined {
  const data = textOf(part.fields[`${name}-data`]);
  if (data !== undefined) {
    const text = Buffer.from(data, 'base64').toString('utf8');
    if (text.includes('-----BEGIN ')) return text;
    throw new ClusterError(`${part.file}: ${name}-data: expected PEM in base64`);
  }
  const path = textOf(part.fields[name]);
  return path === undefined ? undefined : readBeside(part, name, path);
}

function tokenOf(user: Named): string | undefined {
  const token = textOf(user.fields['token']);
  if (token !== undefined) return token;
  const path = textOf(user.fields['tokenFile']);
  return path === undefined ? undefined : readBeside(user, 'tokenFile', path).trim();
}

function readBeside({ file }: Named, name: string, path: string): string {
  try {
    return readFileSync(resolve(dirname(file), path), 'utf8');
  } catch (error) {
    throw new ClusterError(`${file}: ${name}: ${(error as Error).message}`, { cause: error });
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Undefined where it is empty or no text, as kubectl leaves out what is empty. */
function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
