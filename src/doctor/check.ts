/**
 * What a check of the doctor is: it looks at one thing on the node and says how that is. Checks run side by side, each within
 * its own time, so that the whole takes no longer than the slowest of them; what they say comes in their order.
 */
import type { NodeContext } from './node-context.ts';

export type Verdict = 'ok' | 'warning' | 'failed' | 'skipped';

export interface Finding {
  readonly verdict: Verdict;
  /** What is there; a sentence without its full stop. */
  readonly text: string;
  /** What to do next. */
  readonly advice?: string;
}

export interface Check {
  /** Stable: people search for it, and leave it out by it. */
  readonly name: string;
  readonly timeoutMs: number;
  /** At least one finding; `signal` aborts when the time is over. */
  readonly run: (node: NodeContext, signal: AbortSignal) => Promise<readonly Finding[]>;
}

export interface CheckedFinding extends Finding {
  readonly check: string;
}

export const ok = (text: string): Finding => ({ verdict: 'ok', text });
export const skipped = (text: string, advice?: string): Finding =>
  withAdvice('skipped', text, advice);
export const warning = (text: string, advice: string): Finding =>
  withAdvice('warning', text, advice);
export const failed = (text: string, advice: string): Finding => withAdvice('failed', text, advice);

function withAdvice(verdict: Verdict, text: string, advice: string | undefined): Finding {
  return advice === undefined ? { verdict, text } : { verdict, text, advice };
}

/** All findings of all checks, in order; `say` gets each as soon as those before it are there. */
export async function runChecks(
  checks: readonly Check[],
  node: NodeContext,
  say: (finding: CheckedFinding) => void,
): Promise<CheckedFinding[]> {
  const running = checks.map((check) => ({ check, findings: runOne(check, node) }));
  const all: CheckedFinding[] = [];
  for (const { check, findings } of running) {
    for (const finding of await findings) {
      const checked = { check: check.name, ...finding };
      all.push(checked);
      say(checked);
    }
  }
  return all;
}

/** Never rejects: a check that breaks, or takes too long, is a finding. */
async function runOne(check: Check, node: NodeContext): Promise<readonly Finding[]> {
  const { promise: expiry, resolve } = Promise.withResolvers<readonly Finding[]>();
  const stop = new AbortController();
  const timer = setTimeout(() => {
    const text = `no result within ${check.timeoutMs / 1000} s`;
    // First, since an aborted check fails in its turn.
    resolve([failed(text, 'the node is overloaded, or something that this asks hangs')]);
    stop.abort();
  }, check.timeoutMs);
  try {
    return await Promise.race([check.run(node, stop.signal), expiry]);
  } catch (error) {
    const text = `the check itself failed: ${(error as Error).message}`;
    return [skipped(text, 'report it, with this line')];
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}
