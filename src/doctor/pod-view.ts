/** A pod as `--pod-netns` or `--resolv-conf` names it: its resolv.conf, and its network namespace to ask from. */
import { readFileSync } from 'node:fs';
import type { DnsAnswer, DnsQuestion, DnsServer } from './dns-query.ts';
import { askFromNamespace } from './namespace-query.ts';

export interface PodView {
  /** For people. */
  readonly name: string;
  /** The text of its resolv.conf; undefined: none was named. */
  readonly resolvConf: string | undefined;
  /** Asks from inside; undefined: no namespace was named. */
  readonly ask:
    | ((server: DnsServer, question: DnsQuestion, signal: AbortSignal) => Promise<DnsAnswer>)
    | undefined;
}

export interface PodOptions {
  /** A process of the pod by its number, or the path of a network namespace. */
  readonly netns: string | undefined;
  readonly resolvConfPath: string | undefined;
}

/** Throws the system's error where a file cannot be read. */
export function findPod({ netns, resolvConfPath }: PodOptions): PodView | undefined {
  if (netns === undefined && resolvConfPath === undefined) return undefined;
  const isProcess = netns !== undefined && /^\d+$/.test(netns);
  const netnsPath = isProcess ? `/proc/${netns}/ns/net` : netns;
  const path = resolvConfPath ?? (isProcess ? `/proc/${netns}/root/etc/resolv.conf` : undefined);
  return {
    name: isProcess ? `the pod of process ${netns}` : (netns ?? resolvConfPath)!,
    resolvConf: path === undefined ? undefined : readFileSync(path, 'utf8'),
    ask:
      netnsPath === undefined
        ? undefined
        : (server, question, signal) => askFromNamespace(netnsPath, server, question, signal),
  };
}
