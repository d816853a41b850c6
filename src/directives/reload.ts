/** `reload [INTERVAL] [JITTER]`: looks each INTERVAL +- JITTER/2 whether the Corefile changed; process-wide. */
import type { Directive } from '../corefile/ast.ts';
import { argumentsOf, durationOf, fail, warnIgnored } from './argument.ts';
import type { BlockContext } from './block-context.ts';

export interface ReloadOptions {
  readonly intervalMs: number;
  /** At most half of the interval; 0: none. */
  readonly jitterMs: number;
}

// CoreDNS's defaults and bounds.
const INTERVAL_DEFAULT_MS = 30_000;
const INTERVAL_MIN_MS = 2_000;
const JITTER_DEFAULT_MS = 15_000;
const JITTER_MIN_MS = 1_000;

/** Undefined where the block has no `reload`. Of several CoreDNS reads the first. */
export function readReload(
  lines: readonly Directive[],
  context: BlockContext,
): ReloadOptions | undefined {
  const [line] = lines;
  if (line === undefined) return undefined;
  warnIgnored(lines, line, context);
  const [interval, jitter] = argumentsOf(line, { min: 0, max: 2 }, context);
  const intervalMs =
    interval === undefined ? INTERVAL_DEFAULT_MS : durationOf('reload', interval, INTERVAL_MIN_MS);
  const jitterMs = jitter === undefined ? JITTER_DEFAULT_MS : durationOf('reload', jitter);
  if (jitter !== undefined && jitterMs !== 0 && jitterMs < JITTER_MIN_MS) {
    fail('reload', jitter, `'${jitter.text}': expected a jitter of 0 or at least 1s`);
  }
  return { intervalMs, jitterMs: Math.min(jitterMs, intervalMs / 2) };
}
