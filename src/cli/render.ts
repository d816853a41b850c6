/** `zerohop render`: fills in a manifest's placeholders, asking the cluster what the operator does not say. */
import { existsSync, readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { printable } from '../base/printable.ts';
import { type ApiAccess, ClusterError, serverUrl } from '../cluster/access.ts';
import { Api } from '../cluster/api.ts';
import { findDomain, findKubeDns, findProxyMode, type ProxyMode } from '../cluster/cluster-dns.ts';
import { readKubeconfig } from '../cluster/kubeconfig.ts';
import { isInPod, readServiceAccount } from '../cluster/service-account.ts';
import { canonicalAddress } from '../directives/address.ts';
import { lint as lintSources } from '../lint/lint.ts';
import { textSource } from '../lint/source.ts';
import {
  fillManifest,
  leftOverIn,
  type ManifestPlaceholder,
  type ManifestValues,
  placeholdersIn,
} from '../rendering/manifest.ts';
import { type Command, CommandError, readOptions, secondsOf, UsageError } from './command.ts';

const HELP = `Usage: zerohop render [OPTIONS] [FILE]

Fills in the placeholders of a manifest and writes it to standard output:
  zerohop render --image IMAGE | kubectl apply -f -
  kubectl kustomize deploy/kustomize/nftables | zerohop render --image IMAGE -

FILE is deploy/nodelocaldns.yaml unless another is given; - is standard input.
kube-dns's ClusterIP, the cluster's domain and kube-proxy's mode are asked of
the cluster where the options do not say them. The Corefile inside is examined
as by zerohop lint; what will not run is not written.

Options:
  --image IMAGE         required where the manifest names the image
  --local-dns IP[,IP]   the cache's addresses on each node, one of a family
                        (default 169.254.20.10)
  --dns-server IP[,IP]  kube-dns's ClusterIPs
  --domain DOMAIN       the cluster's domain
  --mode MODE           kube-proxy's: iptables, nftables or ipvs. In ipvs the
                        cache does not take over kube-dns's ClusterIP

Where the cluster is, the first of:
  --server URL          its API, without credentials: of \`kubectl proxy\`
  --kubeconfig FILE     (default $KUBECONFIG, else ~/.kube/config)
  in a pod              the pod's service account
  --context NAME        of the kubeconfig (default its current one)
  --timeout SECONDS     for each question (default 10)

Exit codes: 0 written; 1 the cluster does not say, or the manifest will not
run; 2 wrong options.
`;

const OPTIONS = {
  image: { type: 'string' },
  'local-dns': { type: 'string', default: '169.254.20.10' },
  'dns-server': { type: 'string' },
  domain: { type: 'string' },
  mode: { type: 'string' },
  server: { type: 'string' },
  kubeconfig: { type: 'string' },
  context: { type: 'string' },
  timeout: { type: 'string', default: '10' },
} as const;

const MANIFEST = join(import.meta.dirname, '../../deploy/nodelocaldns.yaml');
const MODES: readonly string[] = ['iptables', 'nftables', 'ipvs'];
const TIMEOUT_MAX_S = 300;
const EXIT_FAILED = 1;
/** RFC 1123 §2.1, in lower case as Kubernetes has it. */
const DOMAIN_NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** What the operator said; undefined is what the cluster is asked for. */
interface Given {
  readonly image: string | undefined;
  readonly localDns: readonly string[];
  readonly dnsServers: readonly string[] | undefined;
  readonly domain: string | undefined;
  readonly mode: ProxyMode | undefined;
}

/** What the manifest is filled in with. */
interface Known {
  readonly dnsServers: readonly string[];
  readonly domain: string | undefined;
  readonly mode: ProxyMode;
}

type Options = Readonly<Partial<Record<keyof typeof OPTIONS, string>>>;

export const render: Command = {
  help: HELP,
  async run(args, output) {
    const { values: options, positionals } = readOptions(args, OPTIONS, 1);
    const given = givenIn(options);
    const timeoutMs = secondsOf('--timeout', options.timeout, TIMEOUT_MAX_S);
    const { file, text } = await readManifest(positionals[0]);
    const wanted = placeholdersIn(text);
    if (wanted.has('image') && given.image === undefined) {
      throw new UsageError(`--image: expected one, since ${file} names it`);
    }
    const known = await knowing(wanted, given, options, timeoutMs);
    const filled = fillManifest(text, valuesOf(wanted, given, known, file));
    check(file, filled);
    output.write(filled);
    return 0;
  },
};

function givenIn(options: Options): Given {
  const { image, domain, mode } = options;
  if (domain !== undefined && !DOMAIN_NAME.test(domain)) {
    throw new UsageError(`--domain '${domain}': expected a domain such as cluster.local`);
  }
  if (mode !== undefined && !MODES.includes(mode)) {
    throw new UsageError(`--mode '${mode}': expected ${MODES.join(', ')}`);
  }
  if (image !== undefined && !/^[\w.:/@-]+$/.test(image)) {
    throw new UsageError(`--image '${image}': expected one such as registry.example.com/zerohop:1`);
  }
  if (options.server !== undefined && (options.kubeconfig ?? options.context) !== undefined) {
    throw new UsageError('--server takes neither --kubeconfig nor --context');
  }
  const dnsServers = options['dns-server'];
  return {
    image,
    domain,
    mode: mode as ProxyMode | undefined,
    localDns: addressesIn('--local-dns', options['local-dns']!),
    dnsServers: dnsServers === undefined ? undefined : addressesIn('--dns-server', dnsServers),
  };
}

function addressesIn(option: string, text: string): string[] {
  const addresses = text.split(',').map((part) => {
    const address = canonicalAddress(part);
    if (address === undefined) throw new UsageError(`${option} '${part}': expected an IP address`);
    return address;
  });
  const families = new Set(addresses.map((address) => isIPv6(address)));
  if (families.size === addresses.length) return addresses;
  throw new UsageError(`${option} '${text}': expected one address, or one of each family`);
}

async function readManifest(operand: string | undefined): Promise<{ file: string; text: string }> {
  if (operand === '-') return { file: 'stdin', text: await textOf(process.stdin) };
  const file = operand ?? MANIFEST;
  try {
    return { file, text: readFileSync(file, 'utf8') };
  } catch (error) {
    const hint = operand === undefined ? ': give the manifest as FILE' : '';
    throw new CommandError(`render: ${(error as Error).message}${hint}`, EXIT_FAILED);
  }
}

/** Asks the cluster for what the manifest needs and the options do not say, and for nothing else. */
async function knowing(
  wanted: ReadonlySet<ManifestPlaceholder>,
  given: Given,
  options: Options,
  timeoutMs: number,
): Promise<Known> {
  const needsMode = wanted.has('dnsServer') && given.mode === undefined;
  const needsDomain = wanted.has('domain') && given.domain === undefined;
  let api: Api | undefined;
  try {
    const open = async () => {
      api ??= new Api(await accessOf(options), timeoutMs);
      return api;
    };
    const found = needsMode ? await findProxyMode(await open()) : given.mode;
    if (needsMode && found === undefined) {
      note(
        'no ConfigMap of kube-proxy says its mode: taken for iptables or nftables (--mode). With Cilium in its place, use the overlay cilium',
      );
    }
    const mode = found ?? 'iptables';
    const needsServers =
      given.dnsServers === undefined &&
      (wanted.has('kubeDns') || (wanted.has('dnsServer') && mode !== 'ipvs'));
    const dnsServers = needsServers ? await findKubeDns(await open()) : (given.dnsServers ?? []);
    const domain = needsDomain ? await findDomain(await open()) : given.domain;
    if (needsDomain && domain === undefined) {
      throw new ClusterError(
        "no ConfigMap coredns or kubelet-config says the cluster's domain: give it by --domain (most clusters': cluster.local)",
      );
    }
    return { dnsServers, domain, mode };
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    throw new CommandError(`render: ${error.message}`, EXIT_FAILED);
  } finally {
    await api?.close();
  }
}

async function accessOf(options: Options): Promise<ApiAccess> {
  if (options.server !== undefined) {
    const tls = {
      ca: undefined,
      cert: undefined,
      key: undefined,
      serverName: undefined,
      isVerified: true,
    };
    return { server: serverUrl('--server', options.server), tls, token: undefined };
  }
  if (options.kubeconfig !== undefined)
    return readKubeconfig([options.kubeconfig], options.context);
  const listed = (process.env['KUBECONFIG'] ?? '').split(':').filter((file) => file !== '');
  if (listed.length > 0) return readKubeconfig(listed, options.context);
  const usual = join(homedir(), '.kube/config');
  if (existsSync(usual)) return readKubeconfig([usual], options.context);
  if (isInPod(process.env)) return readServiceAccount(process.env);
  throw new ClusterError(
    `no cluster: expected --kubeconfig, KUBECONFIG, ${usual} or a pod's service account, or all of --dns-server, --domain and --mode`,
  );
}

function valuesOf(
  wanted: ReadonlySet<ManifestPlaceholder>,
  { image, localDns }: Given,
  { dnsServers, domain, mode }: Known,
  file: string,
): ManifestValues {
  const [first, second] = localDns;
  if (wanted.has('localDns') && second !== undefined && !wanted.has('secondLocalDns')) {
    throw new UsageError(
      `--local-dns: ${file} has a place for one address: use the overlay dual-stack`,
    );
  }
  if (second === undefined && wanted.has('secondLocalDns')) {
    throw new UsageError(`--local-dns: ${file} expects one address of each family`);
  }
  const isSameFamily = (address: string) => isIPv6(address) === isIPv6(first!);
  const kubeDns = dnsServers.find(isSameFamily) ?? dnsServers[0];
  const other = dnsServers.find((address) => address !== kubeDns);
  const intercepts = mode !== 'ipvs';
  if (intercepts && wanted.has('dnsServer') && !wanted.has('secondDnsServer') && other) {
    note(`kube-dns's ${other} is not taken over: ${file} has a place for one (overlay dual-stack)`);
  }
  return {
    localDns: first,
    secondLocalDns: second,
    dnsServer: intercepts ? kubeDns : undefined,
    secondDnsServer: intercepts ? other : undefined,
    kubeDns,
    domain,
    image,
  };
}

/** Throws where the Corefile in it will not run; says on stderr what is a known trap. */
function check(file: string, filled: string): void {
  const left = leftOverIn(filled);
  if (left.length > 0) {
    throw new CommandError(`render: ${file}: nobody fills in ${left.join(', ')}`, EXIT_FAILED);
  }
  const findings = lintSources(textSource(file, filled), {
    localIps: [],
    resolvConfPath: undefined,
    environment: {},
  }).filter(({ rule }) => rule !== 'no-corefile');
  for (const { level, at, problem } of findings) {
    const place = `${at.file}:${at.line}:${at.column}`;
    if (level === 'error') throw new CommandError(`render: ${place}: ${problem}`, EXIT_FAILED);
    if (level === 'warning') note(`${place}: ${problem}`);
  }
}

function note(text: string): void {
  process.stderr.write(`zerohop: render: ${printable(text)}\n`);
}
