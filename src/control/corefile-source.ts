/**
 * Where the configuration comes from: the template of `-basecorefile` and the kube-dns ConfigMap, rendered, where there is a template;
 * else the file of `-conf` as it stands.
 *
 *   template, ConfigMap directory -> render -> server blocks -> Configuration
 *                                      +-----> the file of -conf (for people; read only where a start finds the template broken)
 *
 * It is read as a whole each time; of what is broken, the last good stays.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CorefileError, type Position } from '../corefile/ast.ts';
import type { Environment } from '../corefile/environment.ts';
import type { FileSource } from '../corefile/file-source.ts';
import { type ClusterDns, findClusterDns } from '../rendering/cluster-dns.ts';
import { type KubeDnsSettings, NO_SETTINGS, readKubeDns } from '../rendering/kube-dns.ts';
import type { Problem } from '../rendering/problem.ts';
import { readRecord } from '../rendering/record.ts';
import { type Rendering, render } from '../rendering/render.ts';
import {
  type ConfigurationResult,
  configurationOf,
  type Ports,
  readConfiguration,
} from './configuration.ts';
import type { Flags } from './flags.ts';
import { isAbsent, keysOf, readMountedFiles, utf8Text } from './mounted-files.ts';
import type { ProblemReport } from './problem-report.ts';
import { RenderedFile } from './rendered-file.ts';

export interface CorefileSourceOptions {
  readonly templatePath: string;
  /** `-conf`. */
  readonly path: string;
  /** Where the kube-dns ConfigMap is mounted; undefined: nowhere. */
  readonly kubeDnsPath: string | undefined;
  readonly dnsPort: number;
  readonly healthPort: number;
  readonly localIps: readonly string[];
  readonly clusterDns: ClusterDns;
  readonly prometheusEndpoint: string;
  readonly environment: Environment;
  readonly report: ProblemReport;
}

/** CoreDNS's word for it in `-conf`. */
const STDIN = 'stdin';
/** What CoreDNS looks for without `-conf`. */
const DEFAULT_COREFILE = 'Corefile';

const OWN_TEMPLATE: Problem = {
  kind: 'write',
  text: '-conf and -basecorefile are one file: the rendered Corefile stays in memory',
};

type TemplateText =
  | { readonly code: 'read'; readonly text: string }
  | { readonly code: 'none' }
  | { readonly code: 'failed'; readonly error: Error };

/** Where the stock manifest mounts the kube-dns ConfigMap; it counts where the command line names no other directory. */
const KUBE_DNS_PATH = '/etc/kube-dns';

export function sourceOf(
  flags: Flags,
  environment: Environment,
  report: ProblemReport,
): CorefileSource {
  const { upstreamIps, upstreamService: service } = flags;
  return new CorefileSource({
    templatePath: flags.baseCorefilePath,
    path: flags.corefilePath || DEFAULT_COREFILE,
    kubeDnsPath:
      flags.kubeDnsConfigMapPath || (existsSync(KUBE_DNS_PATH) ? KUBE_DNS_PATH : undefined),
    dnsPort: flags.dnsPort,
    healthPort: flags.healthPort,
    localIps: flags.localIps,
    clusterDns: findClusterDns({ upstreamIps, service, environment }),
    prometheusEndpoint: flags.prometheusListenAddress,
    environment,
    report,
  });
}

export class CorefileSource {
  readonly #options: CorefileSourceOptions;
  readonly #rendered: RenderedFile;
  #settings: KubeDnsSettings;
  /** What is wrong with the template, while `readFirst`'s substitute is served. */
  brokenTemplate: string | undefined;
  /** There has been a template: its file has gone, if it is not there. */
  #hadTemplate = false;

  constructor(options: CorefileSourceOptions) {
    this.#options = options;
    this.#rendered = new RenderedFile(options.path);
    this.#settings = readRecord(this.#rendered.read() ?? '') ?? NO_SETTINGS;
  }

  /** At the start: where the template is broken, the last good rendering stands in for it. */
  readFirst(warn: (line: string) => void): ConfigurationResult {
    const result = this.read();
    const { path } = this.#options;
    if (result.ok || !this.#hadTemplate) return result;
    const lastGood = readConfiguration({ path, ports: this.#ports });
    if (!lastGood.ok) return result;
    this.brokenTemplate = result.error.message;
    warn(`${result.error.message}: serving the last good rendering, ${path}, until it is mended`);
    return lastGood;
  }

  /** Of the Corefile: `-conf`. */
  get path(): string {
    return this.#options.path;
  }

  /** What of template and ConfigMap is refused now, a line each. */
  get refused(): readonly string[] {
    return this.#options.report.refused;
  }

  /** The template, where there is one. */
  get templatePath(): string | undefined {
    return this.#hadTemplate ? this.#options.templatePath : undefined;
  }

  /** The directories that the configuration comes from, each once; none where it came from stdin, which is read once only. */
  get directories(): readonly string[] {
    const { templatePath, kubeDnsPath, path } = this.#options;
    if (path === STDIN) return [];
    return [...new Set([dirname(templatePath), ...(kubeDnsPath ? [kubeDnsPath] : [])])];
  }

  read(): ConfigurationResult {
    const { path, templatePath, report } = this.#options;
    const template = this.#template();
    if (template.code === 'none') {
      const alternative = path === STDIN ? {} : { alternative: `a template at ${templatePath}` };
      return readConfiguration({ path, ports: this.#ports, ...alternative });
    }
    this.#hadTemplate = true;
    const settings = this.#readSettings();
    let rendering: Rendering | undefined;
    const result = configurationOf(this.#ports, (files) => {
      if (template.code === 'failed') throw template.error;
      rendering = this.#render(template.text, files);
      return rendering.blocks;
    });
    const problems = result.ok ? [] : [{ kind: 'template' as const, text: result.error.message }];
    // Whoever asked for the configuration logs its error.
    report.report('template', problems, false);
    report.report('configmap', [...settings.problems, ...(rendering?.problems ?? [])]);
    const { clusterDns } = this.#options;
    const noClusterDns = clusterDns.code === 'unknown' ? [clusterDns.problem] : [];
    report.note([...noClusterDns, ...settings.notes, ...(rendering?.notes ?? [])]);
    if (result.ok) {
      const problem = path === templatePath ? OWN_TEMPLATE : this.#rendered.write(rendering!.text);
      report.report('write', problem ? [problem] : []);
    }
    return result;
  }

  get #ports(): Ports {
    const { dnsPort, healthPort } = this.#options;
    return { defaultPort: dnsPort, healthPort };
  }

  #template(): TemplateText {
    const { templatePath: path, path: corefilePath } = this.#options;
    // A Corefile on stdin is nobody's rendering.
    if (corefilePath === STDIN) return { code: 'none' };
    try {
      const text = utf8Text(readFileSync(path));
      if (text !== undefined) return { code: 'read', text };
      return { code: 'failed', error: new CorefileError(startOf(path), 'expected UTF-8') };
    } catch (error) {
      if (isAbsent(error) && !this.#hadTemplate) return { code: 'none' };
      const reason = (error as Error).message;
      return { code: 'failed', error: new Error(`the template ${path}: ${reason}`) };
    }
  }

  #readSettings(): {
    readonly problems: readonly Problem[];
    readonly notes: readonly string[];
  } {
    const directory = this.#options.kubeDnsPath;
    if (directory === undefined) return { problems: [], notes: [] };
    const mounted = readMountedFiles(directory);
    const { keys, problems } = keysOf(directory, mounted);
    const reading = readKubeDns(keys, this.#settings);
    // A directory that cannot be looked into says nothing about its keys.
    if (mounted.isReadable) this.#settings = reading.settings;
    return {
      problems: [...mounted.problems, ...problems, ...reading.problems],
      notes: reading.notes,
    };
  }

  #render(text: string, files: FileSource): Rendering {
    const { templatePath, path, kubeDnsPath = '' } = this.#options;
    return render({ path: templatePath, text }, this.#settings, {
      ...this.#options,
      files,
      folder: dirname(path),
      stubDomainsPath: join(kubeDnsPath, 'stubDomains'),
    });
  }
}

function startOf(file: string): Position {
  return { file, line: 1, column: 1 };
}
