/** Whether the rules that bring pods' queries here are present and in effect, and how old the lease is. */
import { failureText } from '../host/failure.ts';
import { type AddressFacts, type InterceptionFacts, LEASE_S } from '../host/interception.ts';
import { type Check, type Finding, failed, ok, skipped, warning } from './check.ts';

/** `iptables-save` of a node with ten thousand Services takes seconds. */
const TIMEOUT_MS = 10_000;

export const RULES_CHECK: Check = {
  name: 'rules',
  timeoutMs: TIMEOUT_MS,
  run: async (node) => {
    if (!node.target.setsUpRules)
      return [skipped('no rules are wanted (-setupiptables, -interception)')];
    const facts = await node.interception();
    if (facts.kind === 'none') return [skipped(`no rules: ${facts.reason}`)];
    return [
      ...facts.addresses.map((address) => rulesFinding(address, facts)),
      ...facts.losses.map((line) =>
        warning(line, 'pods reach us another way, or kube-dns answers them: see docs/doctor.md'),
      ),
      ...facts.failures.map((failure) =>
        warning(failureText(failure), 'run the doctor where the daemon runs, as its user'),
      ),
    ];
  },
};

export const LEASE_CHECK: Check = {
  name: 'lease',
  timeoutMs: TIMEOUT_MS,
  run: async (node) => {
    if (!node.target.setsUpRules)
      return [skipped('no rules are wanted (-setupiptables, -interception)')];
    const facts = await node.interception();
    if (facts.kind === 'none') return [skipped(`no rules: ${facts.reason}`)];
    if (!facts.hasLease) {
      return [
        warning(
          'this kernel has no part for a lease: the rules hold as long as they stand',
          'if the daemon is killed, pods get no answer until it is back or the rules are removed',
        ),
      ];
    }
    return facts.addresses.map(leaseFinding);
  },
};

function rulesFinding(
  { address, rulesPresent, rulesExpected }: AddressFacts,
  facts: InterceptionFacts,
): Finding {
  const text = `${address}: ${rulesPresent} of ${rulesExpected} rules (${facts.kind})`;
  if (rulesPresent === rulesExpected) return ok(text);
  return failed(
    text,
    rulesPresent === 0
      ? 'pods that ask this address reach kube-dns, or nobody; the daemon sets the rules once a query through it is answered: see its log'
      : 'somebody removes rules: the daemon puts them back within a second, and its log counts how often',
  );
}

function leaseFinding({ address, leaseAgeMs }: AddressFacts): Finding {
  if (leaseAgeMs === undefined) {
    return failed(
      `${address}: the lease is out: pods' queries go to kube-dns`,
      'the daemon renews it each second while it answers: it is down, hangs, or has no capability NET_ADMIN',
    );
  }
  const age = `${address}: renewed ${(leaseAgeMs / 1000).toFixed(1)} s ago, of ${LEASE_S} s`;
  if (leaseAgeMs <= (LEASE_S * 1000) / 2) return ok(age);
  return warning(
    age,
    'two renewals were late: the daemon has too little CPU, or another holds the lock of xtables',
  );
}
