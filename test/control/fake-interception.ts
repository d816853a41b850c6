/** Interception and an interface that only remember what was asked of them, in order. */
import type { Clock } from '../../src/base/clock.ts';
import { createLog, type Log } from '../../src/base/log.ts';
import type { Link } from '../../src/control/link-keeper.ts';
import type { HostFailure } from '../../src/host/failure.ts';
import type { Interception, InterceptionFacts, Repair } from '../../src/host/interception.ts';
import type { LinkFailure } from '../../src/host/link.ts';

export const FAILURE: HostFailure = { code: 'command_failed', command: 'nft', detail: 'no' };
export const LOCKED: HostFailure = { code: 'lock', command: 'iptables-restore', detail: 'held' };

/** Time that a test turns by hand. */
export class HandClock implements Clock {
  ms = 0;
  nowMs(): number {
    return this.ms;
  }
}

/** A log, and its lines so far. */
export function recordingLog(): { log: Log; lines: string[] } {
  const lines: string[] = [];
  return { log: createLog((line) => lines.push(line.trimEnd())), lines };
}

export class FakeInterception implements Interception {
  readonly kind = 'nft';
  readonly reason = 'a test';
  readonly losses: string[] = [];
  /** What was called, in order; shared with a FakeLink to see both. */
  readonly calls: string[];
  /** Of the next calls; each is used once. */
  readonly failures: HostFailure[][] = [];
  repair: Repair = { restored: 0, removed: 0, failures: [] };
  rulesPresent = 0;
  onChange: (() => void) | undefined;
  /** Awaited by each call. */
  gate: Promise<void> = Promise.resolve();

  constructor(calls: string[] = []) {
    this.calls = calls;
  }

  install = () => this.#called('install');
  withdraw = () => this.#called('withdraw');
  remove = () => this.#called('remove');
  renew = async () => (await this.#called('renew'))[0];
  setFallback = async (endpoints: readonly { address: string }[]) =>
    (await this.#called(`fallback ${endpoints.map(({ address }) => address)}`))[0];

  async ensure(): Promise<Repair> {
    await this.#called('ensure');
    return this.repair;
  }

  watch(onChange: () => void): () => void {
    this.onChange = onChange;
    return () => {
      this.onChange = undefined;
    };
  }

  async describe(): Promise<InterceptionFacts> {
    const { kind, reason, losses, rulesPresent } = this;
    const address = { address: '', rulesExpected: 1, rulesPresent, leaseAgeMs: undefined };
    return {
      kind,
      reason,
      hasLease: true,
      losses,
      addresses: [address],
      fallback: [],
      failures: [],
    };
  }

  async #called(what: string): Promise<readonly HostFailure[]> {
    this.calls.push(what);
    await this.gate;
    return this.failures.shift() ?? [];
  }
}

export class FakeLink implements Link {
  name = 'nodelocaldns';
  readonly calls: string[];
  /** Of the next look. */
  missing: readonly string[] = [];
  failures: readonly LinkFailure[] = [];
  onChange: (() => void) | undefined;

  constructor(calls: string[] = []) {
    this.calls = calls;
  }

  ensure(addresses: readonly string[]) {
    this.calls.push(`link ${addresses.join(' ')}`);
    const { missing: added, failures } = this;
    this.missing = [];
    return { isCreated: added.length > 0, added, failures };
  }

  watch(onChange: () => void): () => void {
    this.onChange = onChange;
    return () => {
      this.onChange = undefined;
    };
  }

  remove(): readonly LinkFailure[] {
    this.calls.push('link removed');
    return this.failures;
  }
}
