/**
 * What all parts of one forward share. Passed down as one object instead of five parameters.
 */
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { UpstreamObserver } from './observer.ts';
import type { ForwardOptions } from './options.ts';
import type { RandomSource } from './random.ts';
import type { TimerWheel } from './timer-wheel.ts';

export interface UpstreamContext {
  readonly options: ForwardOptions;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: UpstreamObserver;
  readonly random: RandomSource;
  readonly wheel: TimerWheel;
}
