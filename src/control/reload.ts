/**
 * Takes over what changed: the Corefile when its parsed text has another hash, a resolv.conf of `forward` when its text has
 * changed, both looked at every `reload` interval; a template or a ConfigMap as soon as it changes; and whatever stands there when
 * SIGUSR1 comes. A bad file is reported once, and the running configuration goes on; the same bad content is not tried again until
 * it changes.
 */
import type { Log } from '../base/log.ts';
import type { ReloadOptions } from '../directives/reload.ts';
import type { Families } from '../metrics/families.ts';
import type { Configuration, ConfigurationResult } from './configuration.ts';
import { jittered } from './jitter.ts';

/** How often resolv.conf files are looked at where no block has `reload`: its default. */
const DEFAULT_RELOAD: ReloadOptions = { intervalMs: 30_000, jitterMs: 15_000 };

export interface ReloaderOptions {
  readonly log: Log;
  readonly families: Families;
  readonly read: () => ConfigurationResult;
  readonly serve: (configuration: Configuration) => Promise<void>;
  /** Takes over a change without `reload` in the Corefile too: `-reloadwithsignal`. */
  readonly reloadsAtOnce: boolean;
  /** The message of an error that is known already; undefined: what runs is what was read last. */
  readonly knownError?: string | undefined;
}

/** How a reload that was asked for went. */
export type ReloadResult =
  | { readonly ok: true; readonly hash: string }
  /** The running configuration goes on. */
  | { readonly ok: false; readonly reason: string };

const ENDING: ReloadResult = { ok: false, reason: 'the daemon is ending' };

export class Reloader {
  readonly #options: ReloaderOptions;
  readonly #log: Log;
  #running: Configuration;
  /** What was tried last, good or bad. */
  #tried: string;
  #timer: NodeJS.Timeout | undefined;
  /** Reloads happen one after another. */
  #turn: Promise<void> = Promise.resolve();
  /** Asked for and not begun; who asks meanwhile gets the same. */
  #due: Promise<ReloadResult> | undefined;
  #isClosed = false;

  constructor(running: Configuration, options: ReloaderOptions) {
    this.#options = options;
    this.#log = options.log.plugin('reload');
    this.#running = running;
    this.#tried = options.knownError ?? fingerprint(running);
    this.#schedule();
  }

  get running(): Configuration {
    return this.#running;
  }

  /** SIGUSR1 and the control socket: reads and takes over, changed or not. However often asked, one waits at most. */
  reload(): Promise<ReloadResult> {
    this.#due ??= this.#turn.then(() => {
      this.#due = undefined;
      return this.#isClosed ? ENDING : this.#takeOver(this.#options.read());
    });
    this.#turn = this.#due.then(() => {});
    return this.#due;
  }

  /** A template or a ConfigMap has changed: takes it over now, where the Corefile or the command line asks for reloads. */
  changed(): Promise<void> {
    this.#turn = this.#turn.then(() => (this.#isClosed ? undefined : this.#follow()));
    return this.#turn;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#turn;
  }

  #schedule(): void {
    if (this.#isClosed) return;
    const options = reloadOptions(this.#running) ?? DEFAULT_RELOAD;
    this.#timer = setTimeout(
      () => {
        this.#turn = this.#turn.then(() => this.#look()).then(() => this.#schedule());
      },
      jittered(options.intervalMs, options.jitterMs),
    );
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    if (this.#isClosed) return;
    const watchesCorefile = reloadOptions(this.#running) !== undefined;
    if (!watchesCorefile && this.#running.resolvConf === '') return;
    const result = this.#options.read();
    if (triedText(result) === this.#tried) return;
    // Without `reload` only resolv.conf files are looked at: the Corefile must be the one that runs.
    const isSameCorefile = result.ok && result.configuration.hash === this.#running.hash;
    if (!watchesCorefile && !isSameCorefile) return;
    await this.#takeOver(result);
  }

  async #follow(): Promise<void> {
    const result = this.#options.read();
    if (triedText(result) === this.#tried) return;
    if (this.#options.reloadsAtOnce || reloadOptions(this.#running) !== undefined) {
      await this.#takeOver(result);
      return;
    }
    // As in node-cache, the rendered file is written, and nobody takes it up.
    this.#tried = triedText(result);
    if (!result.ok) this.#log.error(`not served: ${result.error.message}`);
    else this.#log.warn('the Corefile has changed: without `reload` it is served after a SIGUSR1');
  }

  async #takeOver(result: ConfigurationResult): Promise<ReloadResult> {
    this.#tried = triedText(result);
    this.#options.log.info('Reloading');
    try {
      if (!result.ok) throw result.error;
      await this.#options.serve(result.configuration);
    } catch (error) {
      this.#options.families.reloadFailed.cell().value += 1;
      const reason = error instanceof Error ? error.message : String(error);
      this.#log.error(`Corefile changed but reload failed: ${reason}`);
      return { ok: false, reason };
    }
    this.#running = (result as { configuration: Configuration }).configuration;
    this.#showVersion(this.#running.hash);
    this.#log.info(`Running configuration SHA512 = ${this.#running.hash}`);
    this.#options.log.info('Reloading complete');
    return { ok: true, hash: this.#running.hash };
  }

  #showVersion(hash: string): void {
    const { reloadVersionInfo } = this.#options.families;
    reloadVersionInfo.retain(() => false);
    reloadVersionInfo.cell('sha512', hash).value = 1;
  }
}

/** Process-wide: of several blocks the first counts. */
function reloadOptions(configuration: Configuration): ReloadOptions | undefined {
  return configuration.servers.find(({ reload }) => reload !== undefined)?.reload;
}

function triedText(result: ConfigurationResult): string {
  return result.ok ? fingerprint(result.configuration) : result.error.message;
}

function fingerprint({ hash, resolvConf }: Configuration): string {
  return `${hash} ${resolvConf}`;
}
