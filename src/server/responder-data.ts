/** What crosses between the resolver and a responder thread when it starts and when its plan changes. */
import type { MessagePort } from 'node:worker_threads';
import type { HashSeed } from '../cache/key.ts';
import type { MemoryHandle } from '../cache/memory.ts';
import type { ResponderPlan } from './plan.ts';
import type { ResponderSocket } from './responder-loop.ts';
import type { StreamListener } from './stream-listeners.ts';

export interface ResponderData {
  readonly memory: MemoryHandle;
  readonly reader: number;
  readonly rowCount: number;
  readonly hashSeed: HashSeed;
  readonly missRing: SharedArrayBuffer;
  readonly sampleRing: SharedArrayBuffer;
  readonly streamTable: SharedArrayBuffer;
  readonly replyRing: SharedArrayBuffer;
  /** One word: the rounds of its loop. */
  readonly rounds: SharedArrayBuffer;
  readonly wakeFd: number;
  readonly eventFd: number;
  readonly port: MessagePort;
}

/** In place of the number of a command: the responder is there, and waits for the first. */
export const STARTED = 0;

/** From the resolver; each `serve` is answered with its number once the responder works by it. */
export type ResponderCommand =
  | ({ readonly kind: 'serve'; readonly number: number } & Service)
  /** Answered with its number once all TCP connections have ended. */
  | { readonly kind: 'end'; readonly number: number; readonly graceMs: number }
  | { readonly kind: 'stop' };

/** What a responder serves. */
export interface Service {
  readonly sockets: readonly ResponderSocket[];
  readonly listeners: readonly StreamListener[];
  readonly plan: ResponderPlan;
  readonly streamPlan: ResponderPlan;
}
