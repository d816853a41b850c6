/** How full the table of tracked connections is, and what it has lost: a full one drops packets of every pod. */

import type { ProcFiles } from '../os/proc-files.ts';
import { type Check, type Finding, failed, ok, skipped, warning } from './check.ts';

const FULL_SHARE = 0.95;
const CROWDED_SHARE = 0.8;

export const CONNTRACK_CHECK: Check = {
  name: 'conntrack',
  timeoutMs: 5000,
  run: async ({ proc }) => {
    const count = proc.number('sys/net/netfilter/nf_conntrack_count');
    const max = proc.number('sys/net/netfilter/nf_conntrack_max');
    if (count === undefined || max === undefined || max === 0) {
      return [skipped('this kernel, or this container, shows no table of tracked connections')];
    }
    return [useFinding(count, max), ...lossFindings(proc)];
  },
};

function useFinding(count: number, max: number): Finding {
  const share = count / max;
  const text = `${count} of ${max} tracked connections (${Math.round(100 * share)} %)`;
  const advice =
    'raise net.netfilter.nf_conntrack_max (kube-proxy: --conntrack-max-per-core), or find who opens so many';
  if (share >= FULL_SHARE) return failed(`${text}: new ones are dropped`, advice);
  return share >= CROWDED_SHARE ? warning(text, advice) : ok(text);
}

/** /proc/net/stat/nf_conntrack: a heading, and a row of hexadecimal counters for each CPU. */
function lossFindings(proc: ProcFiles): Finding[] {
  const text = proc.text('net/stat/nf_conntrack');
  if (text === undefined) return [];
  const [heading = '', ...rows] = text.trim().split('\n');
  const names = heading.trim().split(/\s+/);
  const sum = (name: string) => {
    const at = names.indexOf(name);
    if (at === -1) return 0;
    return rows.reduce((total, row) => {
      return total + (Number.parseInt(row.trim().split(/\s+/)[at] ?? '0', 16) || 0);
    }, 0);
  };
  const dropped = sum('drop') + sum('early_drop');
  const failedInserts = sum('insert_failed');
  const findings: Finding[] = [];
  if (dropped > 0) {
    const advice = 'since the boot: the table was full. Does the number grow?';
    const text = `${dropped} packets or unanswered connections dropped for want of room in the table`;
    findings.push(warning(text, advice));
  }
  if (failedInserts > 0) {
    findings.push(
      warning(
        `${failedInserts} packets lost when two of one socket were tracked at once (insert_failed)`,
        'since the boot: the known race that costs pods without a node cache 5 s; the rules spare our own queries from it',
      ),
    );
  }
  return findings;
}
