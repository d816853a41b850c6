/**
 * The life of the daemon's process: command line, start, signals, end; with node-cache's exit codes: 0 after an orderly end, 1
 * where it cannot start or must not go on, 2 for a wrong command line and for a second SIGINT.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { createLog, type Log } from '../base/log.ts';
import { DELIVERED_DIRECTIVES } from '../directives/order.ts';
import { CAPABILITY, keepCapabilities } from '../os/capabilities.ts';
import { loadLibc } from '../os/libc.ts';
import { unblockSignal } from '../os/signal-mask.ts';
import type { Configuration } from './configuration.ts';
import { controlPages } from './control-pages.ts';
import { ControlSocket } from './control-socket.ts';
import { sourceOf } from './corefile-source.ts';
import { Daemon } from './daemon.ts';
import { DirectoryWatch } from './directory-watch.ts';
import { type Flags, readCommandLine } from './flags.ts';
import { ProblemReport } from './problem-report.ts';
import { Reloader } from './reload.ts';
import { REVISION, VERSION } from './version.ts';

/** Signals as main.ts takes them from its first statement on: until there is a daemon, all but SIGUSR1 end the process. */
export interface Signals {
  /** SIGUSR1 came before there was a daemon. */
  isReloadDue: boolean;
  handle: (signal: 'SIGUSR1' | 'SIGTERM' | 'SIGINT' | 'SIGQUIT') => void;
}

export async function run(args: readonly string[], signals: Signals): Promise<void> {
  const commandLine = readCommandLine(args);
  switch (commandLine.code) {
    case 'version':
      process.stdout.write(banner());
      break;
    case 'plugins':
      process.stdout.write(pluginList());
      break;
    case 'usage':
      process.stderr.write(commandLine.text);
      process.exitCode = commandLine.exitCode;
      break;
    case 'fatal':
      process.stderr.write(`${commandLine.message}\n`);
      process.exitCode = commandLine.exitCode;
      break;
    case 'run':
      await serve(commandLine.flags, signals);
  }
}

async function serve(flags: Flags, signals: Signals): Promise<void> {
  const log = createLog(undefined, { format: flags.logFormat });
  warnOfWhatIsMissing(flags, log);
  const report = new ProblemReport(log);
  const source = sourceOf(flags, process.env, report);
  const configuration = source.readFirst((line) => log.error(line));
  if (!configuration.ok) return fail(log, configuration.error);
  let daemon: Daemon;
  try {
    daemon = await Daemon.start(configuration.configuration, {
      log,
      responderCount: flags.responderCount,
      udpBackend: flags.udpBackend,
      cacheBytes: flags.cacheBytes,
      metricsAddress: flags.metricsListenAddress,
      collectMore: (families) => report.collect(families),
      onLoop: (text) => {
        process.stdout.write(`[FATAL] ${text}\n`);
        process.exit(1);
      },
    });
  } catch (error) {
    return fail(log, error as Error);
  }
  if (flags.pidfilePath) writePidfile(flags.pidfilePath, log);
  dropCapabilities(log);
  announce(flags, configuration.configuration, daemon, log);
  const reloader = new Reloader(configuration.configuration, {
    log,
    families: daemon.metrics.families,
    read: () => source.read(),
    serve: (next) => daemon.serve(next),
    reloadsAtOnce: flags.reloadWithSignal,
    knownError: source.brokenTemplate,
  });
  const changed = () => void reloader.changed();
  for (const path of source.directories) {
    new DirectoryWatch({ path, log, changed });
    // What has changed since it was read, before there was a watch.
    changed();
  }
  const pages = controlPages(daemon, reloader, source.path);
  const control = ControlSocket.open(flags.controlSocketPath, pages, log);
  obeySignals(signals, { daemon, reloader, control, log });
}

interface Running {
  readonly daemon: Daemon;
  readonly reloader: Reloader;
  readonly control: ControlSocket;
  readonly log: Log;
}

function obeySignals(signals: Signals, { daemon, reloader, control, log }: Running): void {
  let isEnding = false;
  const end = async (signal: string) => {
    if (isEnding) return;
    isEnding = true;
    log.info(`${signal}: Shutting down`);
    await reloader.close();
    await setTimeout(daemon.lameduckMs);
    await control.close();
    await daemon.close();
    process.exit(0);
  };
  signals.handle = (signal) => {
    if (signal === 'SIGUSR1') {
      log.info('SIGUSR1: Reloading');
      void reloader.reload();
    } else if (signal === 'SIGQUIT') {
      log.info('SIGQUIT: Quitting process immediately');
      process.exit(0);
    } else if (signal === 'SIGINT' && isEnding) {
      log.info('SIGINT: Force quit');
      process.exit(2);
    } else {
      void end(signal);
    }
  };
  if (signals.isReloadDue) signals.handle('SIGUSR1');
  unblockReloadSignal(log);
}

/**
 * A reload may open ports below 1024, ask for receive buffers and read files of others; nothing else needs a privilege.
 * Responders keep none at all.
 */
function dropCapabilities(log: Log): void {
  const libc = loadLibc();
  if (libc instanceof Error) return;
  try {
    keepCapabilities(libc, Object.values(CAPABILITY));
  } catch (error) {
    log.warn(`capabilities are kept: ${(error as Error).message}`);
  }
}

/** SIGUSR1 has been blocked since the start of Node (see main.ts); one that came since then follows at once. */
function unblockReloadSignal(log: Log): void {
  const libc = loadLibc();
  if (!(libc instanceof Error)) {
    unblockSignal(libc, constants.signals.SIGUSR1);
  } else if (process.execArgv.includes('--disable-sigusr1')) {
    log.warn(
      'SIGUSR1 stays blocked, since koffi cannot load: only `reload` takes over a new Corefile',
    );
  }
}

/** Without it the daemon goes on, as CoreDNS does. */
function writePidfile(path: string, log: Log): void {
  try {
    writeFileSync(path, `${process.pid}\n`);
    process.once('exit', () => rmSync(path, { force: true }));
  } catch (error) {
    log.error(`Could not write pidfile: ${(error as Error).message}`);
  }
}

/** What CoreDNS prints when all servers serve. */
function announce(flags: Flags, configuration: Configuration, daemon: Daemon, log: Log): void {
  log.plugin('reload').info(`Running configuration SHA512 = ${configuration.hash}`);
  log.info(`UDP backend: ${daemon.udp.kind}`);
  if (flags.quiet) return;
  for (const { config, listeners } of daemon.generation?.blocks ?? []) {
    for (const { zone, port } of config.zones) {
      const hosts = listeners.filter((listener) => listener.port === port && listener.host !== '');
      const where = hosts.length === 0 ? '' : ` on ${hosts.map(({ host }) => host).join(', ')}`;
      process.stdout.write(`${zone}:${port}${where}\n`);
    }
  }
  process.stdout.write(banner());
}

function warnOfWhatIsMissing(flags: Flags, log: Log): void {
  if (flags.setupInterface || flags.setupIptables) {
    log.warn(
      'this version sets up neither interface nor iptables rules: ' +
        'the addresses of -localip must be there (-setupinterface=false -setupiptables=false says so)',
    );
  }
}

function fail(log: Log, error: Error): void {
  const isTaken = 'code' in error && error.code === 'EADDRINUSE';
  const hint = isTaken ? ': another program has this address (ss -lntup shows which)' : '';
  log.error(error.message + hint);
  process.exitCode = 1;
}

function banner(): string {
  const arch = process.arch === 'x64' ? 'amd64' : process.arch;
  return `Zerohop-${VERSION}\n${process.platform}/${arch}, node ${process.version}, ${REVISION}\n`;
}

function pluginList(): string {
  const names = [...DELIVERED_DIRECTIVES].sort().map((name) => `  dns.${name}\n`);
  return `Server types:\n  dns\n\nOther plugins:\n${names.join('')}`;
}
