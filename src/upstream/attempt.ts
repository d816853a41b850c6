/**
 * One question of an exchange: to which upstream, over what, since when.
 */
import type { Exchange } from './exchange.ts';
import type { Carriage, UpstreamFailure } from './failure.ts';
import type { Upstream } from './upstream.ts';
import { UpstreamQuery } from './upstream-query.ts';

export class Attempt extends UpstreamQuery {
  readonly upstream: Upstream;
  readonly carriage: Carriage;
  readonly askedAtMs: number;
  /** Answered, lost or timed out; a reply to one that timed out is still welcome. */
  isOver = false;

  constructor(exchange: Exchange, upstream: Upstream, carriage: Carriage, nowMs: number) {
    super(exchange, exchange.message, exchange.questionEnd);
    this.upstream = upstream;
    this.carriage = carriage;
    this.askedAtMs = nowMs;
  }
}

/** That no answer came in time, whether the question was sent or only meant to be. */
export function timeoutOf(
  asked: Pick<Attempt, 'carriage' | 'upstream'> & { readonly carrier?: Attempt['carrier'] },
): UpstreamFailure {
  const { carriage, upstream, carrier } = asked;
  const route = carrier?.route ?? { carriage, from: undefined, to: upstream.to };
  return { code: 'timeout', operation: 'read', route };
}
