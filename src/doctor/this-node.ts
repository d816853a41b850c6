/** The node that this runs on, as a context for the checks. */
import { setTimeout as sleep } from 'node:timers/promises';
import { askControl } from '../control/control-client.ts';
import { servedAddresses } from '../control/node-network.ts';
import type { Status } from '../control/status.ts';
import { chooseInterception } from '../host/choice.ts';
import type { InterceptionFacts } from '../host/interception.ts';
import { driverStatistics } from '../os/ethtool.ts';
import { loadLibc } from '../os/libc.ts';
import { ProcFiles } from '../os/proc-files.ts';
import { askServer, type DnsAnswer } from './dns-query.ts';
import type { DaemonView, NodeContext } from './node-context.ts';
import { readNodeLinks } from './node-links.ts';
import { findPod, type PodOptions } from './pod-view.ts';
import { findTarget, type Target, type TargetOptions } from './target.ts';

export interface NodeOptions extends TargetOptions {
  readonly controlSocketPath: string;
  readonly pod: PodOptions;
}

/** Of the control socket: it answers at once, or hangs. */
const CONTROL_TIMEOUT_MS = 2000;

/** Throws the system's error where a file of the pod cannot be read. */
export async function thisNode(options: NodeOptions): Promise<NodeContext> {
  const proc = new ProcFiles();
  const daemon = await viewDaemon(options.controlSocketPath);
  const target = findTarget(proc, daemon, options);
  // Two checks look at it; reading rules is slow on a large node.
  let interception: Promise<InterceptionFacts> | undefined;
  return {
    proc,
    target,
    daemon,
    pod: findPod(options.pod),
    ask: askTwice,
    links: () => readNodeLinks(target.flags.interfaceName),
    interception: () => {
      interception ??= describeInterception(target);
      return interception;
    },
    driverStatistics: (name) => {
      const libc = loadLibc();
      if (libc instanceof Error) return libc;
      try {
        return driverStatistics(libc, name);
      } catch (error) {
        return error as Error;
      }
    },
    pause: (ms, signal) => sleep(ms, undefined, { signal }),
  };
}

/** The quicker of two answers: the first one also pays for what this program does for the first time. */
async function askTwice(...args: Parameters<typeof askServer>): Promise<DnsAnswer> {
  const first = await askServer(...args);
  if (!first.ok) return first;
  const second = await askServer(...args);
  return second.ok && second.durationMs < first.durationMs ? second : first;
}

async function viewDaemon(path: string): Promise<DaemonView> {
  const reply = await askControl(path, 'GET', '/status', CONTROL_TIMEOUT_MS);
  if (!reply.ok) return reply;
  if (reply.status === 200) return { ok: true, status: reply.value as Status };
  return { ok: false, reason: `it answers with ${reply.status}` };
}

async function describeInterception({
  localIps,
  dnsPort,
  flags,
}: Target): Promise<InterceptionFacts> {
  const { interceptionBackend: backend, fallbackService } = flags;
  const interception = await chooseInterception({
    backend,
    addresses: localIps,
    standByAddresses: fallbackService === '' ? [] : servedAddresses(localIps).own,
    dnsPort,
    healthPort: flags.healthPort,
  });
  return interception.describe();
}
