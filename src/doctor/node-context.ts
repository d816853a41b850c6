/** What checks look at: facts and the means to get more, all of which tests put others in place of. */
import type { Status } from '../control/status.ts';
import type { InterceptionFacts } from '../host/interception.ts';
import type { ProcFiles } from '../os/proc-files.ts';
import type { DnsAnswer, DnsQuestion, DnsServer } from './dns-query.ts';
import type { NodeLinks } from './node-links.ts';
import type { PodView } from './pod-view.ts';
import type { Target } from './target.ts';

/** The daemon as its control socket shows it. */
export type DaemonView =
  | { readonly ok: true; readonly status: Status }
  | { readonly ok: false; readonly reason: string };

export interface NodeContext {
  readonly proc: ProcFiles;
  readonly target: Target;
  readonly daemon: DaemonView;
  /** A pod to look at; undefined: none was named. */
  readonly pod: PodView | undefined;
  readonly ask: (
    server: DnsServer,
    question: DnsQuestion,
    signal: AbortSignal,
  ) => Promise<DnsAnswer>;
  /** An error where netlink cannot be had. */
  readonly links: () => NodeLinks | Error;
  readonly interception: () => Promise<InterceptionFacts>;
  /** Statistics of a network interface's driver; an error where it has none or they cannot be had. */
  readonly driverStatistics: (name: string) => ReadonlyMap<string, bigint> | Error;
  /** Waits between two looks; rejects when the signal aborts. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
}
