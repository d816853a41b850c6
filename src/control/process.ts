/**
 * The life of the daemon's process: command line, start, signals, end; with node-cache's exit codes: 0 after an orderly end, 1
 * where it cannot start or must not go on, 2 for a wrong command line and for a second SIGINT.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { heartbeat } from '../base/heartbeat.ts';
import { createLog, type Log } from '../base/log.ts';
import { DIRECTIVE_ORDER } from '../directives/order.ts';
import { loadLibc } from '../os/libc.ts';
import { unblockSignal } from '../os/signal-mask.ts';
import type { Configuration } from './configuration.ts';
import { controlPages } from './control-pages.ts';
import { ControlSocket } from './control-socket.ts';
import { sourceOf } from './corefile-source.ts';
import { Daemon } from './daemon.ts';
import { DescriptorCheck } from './descriptor-check.ts';
import { DirectoryWatch } from './directory-watch.ts';
import { Ending } from './ending.ts';
import { type Flags, readCommandLine } from './flags.ts';
import { healthPortWarnings } from './health-port.ts';
import { returnMemory } from './memory-return.ts';
import { Node } from './node.ts';
import { dropPrivileges } from './privileges.ts';
import { ProblemReport } from './problem-report.ts';
import { Reloader } from './reload.ts';
import { statusPages } from './status-page.ts';
import { topOf } from './top.ts';
import { REVISION, VERSION } from './version.ts';

/** Descriptors that are gone stay so for longer, as a rule. */
const DESCRIPTOR_CHECK_S = 10;

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
  const report = new ProblemReport(log);
  const source = sourceOf(flags, process.env, report);
  const configuration = source.readFirst((line) => log.error(line));
  if (!configuration.ok) return fail(log, configuration.error);
  const node = new Node(flags, log);
  const running: Running = { node, log };
  const ending = createEnding(flags, running);
  obeySignals(signals, running, ending);
  try {
    node.openSockets(configuration.configuration.servers);
    running.daemon = await Daemon.start(configuration.configuration, {
      log,
      responderCount: flags.responderCount,
      udpBackend: flags.udpBackend,
      cacheBytes: flags.cacheBytes,
      slowMs: flags.slowQueryMs,
      statusPages: (daemon) =>
        statusPages(
          (withNames) => topOf(daemon, node.vitals.readiness.reasons(), withNames),
          flags.statusNames,
        ),
      metricsAddress: flags.metricsListenAddress,
      ...node.daemonOptions,
      collectMore: (families) => {
        report.collect(families);
        node.setupErrors.collect(families);
      },
      onLoop: (text) => {
        process.stdout.write(`[FATAL] ${text}\n`);
        void ending.begin(1, { isLame: false });
      },
    });
  } catch (error) {
    fail(log, error as Error);
    return ending.begin(1, { isLame: false });
  }
  const { daemon } = running;
  if (flags.pidfilePath) writePidfile(flags.pidfilePath, log);
  dropPrivileges(flags, log);
  returnMemory(loadLibc());
  const descriptors = new DescriptorCheck(log);
  heartbeat.every(DESCRIPTOR_CHECK_S, () => descriptors.run());
  node.attach(daemon);
  const reloader = new Reloader(configuration.configuration, {
    log,
    families: daemon.metrics.families,
    read: () => source.read(),
    serve: async (next) => {
      await daemon.serve(next);
      warnOfHealthPort(flags, next, log);
    },
    reloadsAtOnce: flags.reloadWithSignal,
    knownError: source.brokenTemplate,
  });
  running.reloader = reloader;
  const changed = () => void reloader.changed();
  for (const path of source.directories) {
    new DirectoryWatch({ path, log, changed });
    // What has changed since it was read, before there was a watch.
    changed();
  }
  const pages = controlPages({ daemon, reloader, source, node });
  running.control = ControlSocket.open(flags.controlSocketPath, pages, log);
  if (signals.isReloadDue) signals.handle('SIGUSR1');
  unblockReloadSignal(log);
  // Whoever waits for the banner may ask at once; of a path that somebody else has, this is known within a second.
  await running.control.isOpen();
  announce(flags, configuration.configuration, daemon, log);
  warnOfHealthPort(flags, configuration.configuration, log);
}

/** What there is to end, as it comes to be. */
interface Running {
  readonly node: Node;
  readonly log: Log;
  daemon?: Daemon;
  reloader?: Reloader;
  control?: ControlSocket;
}

function createEnding(flags: Flags, running: Running): Ending {
  const { node, log } = running;
  const ending = new Ending({
    log,
    budgetMs: flags.endBudgetMs,
    lameduckMs: () => running.daemon?.lameduckMs ?? 0,
    exit: (code) => process.exit(code),
    steps: {
      announce: () => node.vitals.readiness.end(),
      withdraw: () => node.withdraw(),
      drain: async (graceMs) => {
        await running.reloader?.close();
        await running.control?.close();
        await running.daemon?.close(graceMs);
      },
      remove: () => node.remove(),
    },
  });
  process.on('uncaughtException', (error) => {
    log.error(`ends because of a bug: ${error.stack ?? String(error)}`);
    void ending.begin(1, { isLame: false });
  });
  return ending;
}

function obeySignals(signals: Signals, running: Running, ending: Ending): void {
  const { log } = running;
  signals.handle = (signal) => {
    if (signal === 'SIGUSR1' && running.reloader === undefined) {
      signals.isReloadDue = true;
    } else if (signal === 'SIGUSR1') {
      log.info('SIGUSR1: Reloading');
      void running.reloader?.reload();
    } else if (signal === 'SIGINT' && ending.hasBegun) {
      log.info('SIGINT: Force quit');
      void ending.force(2);
    } else if (!ending.hasBegun) {
      const isQuick = signal === 'SIGQUIT';
      log.info(`${signal}: ${isQuick ? 'Quitting process immediately' : 'Shutting down'}`);
      void ending.begin(0, { isLame: !isQuick });
    }
  };
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
  log.info(`UDP backend: ${daemon.clients.kind}`);
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

function warnOfHealthPort(flags: Flags, { servers }: Configuration, log: Log): void {
  for (const warning of healthPortWarnings(servers, flags)) log.warn(warning);
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
  const names = [...DIRECTIVE_ORDER].sort().map((name) => `  dns.${name}\n`);
  return `Server types:\n  dns\n\nOther plugins:\n${names.join('')}`;
}
