/**
 * One coarse timer for everything in a forward that waits: thousands of exchanges, connections, sockets, health checks.
 * A hashed wheel: a timer hangs in the slot of its tick, linked both ways, so that setting and cancelling cost a few
 * stores. A timer further away than one turn stays in its slot until its turn comes. Runs at most one tick late, never early.
 *
 *     slot 0   1   2   ...  511          tick = 16 ms, a turn = 8.2 s
 *          |   |
 *          t1  t3 <-> t7
 *
 * The process wakes only for slots that hold something.
 */

import type { Clock } from '../base/clock.ts';
import { assert } from '../base/invariant.ts';

/** Below it nothing in this room needs to be exact: the shortest wait is a back-off of 50 ms. */
const TICK_MS = 16;
/** One turn is longer than a client's query may last, so that nearly every timer is due when its slot is visited. */
const SLOT_COUNT = 512;
const SLOT_MASK = SLOT_COUNT - 1;

export interface TimerTarget {
  timerExpired(nowMs: number): void;
}

export class Timer {
  readonly target: TimerTarget;
  dueAtMs = 0;
  /** The wheel's own: -1 while not set. */
  slot = -1;
  previous: Timer | undefined = undefined;
  next: Timer | undefined = undefined;

  constructor(target: TimerTarget) {
    this.target = target;
  }

  get isSet(): boolean {
    return this.slot !== -1;
  }
}

export class TimerWheel {
  readonly #clock: Clock;
  readonly #heads: (Timer | undefined)[] = new Array(SLOT_COUNT).fill(undefined);
  #count = 0;
  /** The last tick whose slot was visited. */
  #visitedTick: number;
  #wakeTick = Number.POSITIVE_INFINITY;
  #wake: NodeJS.Timeout | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#visitedTick = Math.floor(clock.nowMs() / TICK_MS);
  }

  /** Sets `timer`, or moves it. */
  schedule(timer: Timer, dueAtMs: number): void {
    if (timer.slot !== -1) this.#unlink(timer);
    timer.dueAtMs = dueAtMs;
    const tick = Math.max(Math.ceil(dueAtMs / TICK_MS), this.#visitedTick + 1);
    this.#link(timer, tick & SLOT_MASK);
    // A timer of a later turn passes by once a turn.
    this.#wakeAt(Math.min(tick, this.#visitedTick + SLOT_COUNT));
  }

  /** Sets `timer` unless it is due earlier anyway. */
  scheduleBy(timer: Timer, dueAtMs: number): void {
    if (timer.slot === -1 || timer.dueAtMs > dueAtMs) this.schedule(timer, dueAtMs);
  }

  cancel(timer: Timer): void {
    if (timer.slot !== -1) this.#unlink(timer);
  }

  /** Runs what is due. The wheel calls it by itself; tests that turn the clock by hand call it too. */
  turn(): void {
    const nowMs = this.#clock.nowMs();
    const nowTick = Math.floor(nowMs / TICK_MS);
    // After a long pause all slots but the next one are visited: what targets set meanwhile goes there, and so waits.
    const first = Math.max(this.#visitedTick + 1, nowTick - SLOT_COUNT + 2);
    this.#visitedTick = nowTick;
    for (let tick = first; tick <= nowTick; tick++) this.#visit(tick & SLOT_MASK, nowMs);
    this.#wakeNext();
  }

  /** Forgets all timers. */
  close(): void {
    for (const head of this.#heads) {
      for (let timer = head; timer !== undefined; timer = timer.next) timer.slot = -1;
    }
    this.#heads.fill(undefined);
    this.#count = 0;
    clearTimeout(this.#wake);
  }

  #visit(slot: number, nowMs: number): void {
    // Targets may set and cancel any timer meanwhile, so what is due is taken off one by one, starting again at the head.
    // What they set for now goes to a later slot, hence this ends.
    let timer = this.#heads[slot];
    while (timer !== undefined) {
      if (timer.dueAtMs > nowMs) {
        timer = timer.next;
        continue;
      }
      this.#unlink(timer);
      timer.target.timerExpired(nowMs);
      timer = this.#heads[slot];
    }
  }

  #link(timer: Timer, slot: number): void {
    const head = this.#heads[slot];
    timer.slot = slot;
    timer.previous = undefined;
    timer.next = head;
    if (head !== undefined) head.previous = timer;
    this.#heads[slot] = timer;
    this.#count++;
  }

  #unlink(timer: Timer): void {
    assert(timer.slot !== -1);
    if (timer.previous === undefined) this.#heads[timer.slot] = timer.next;
    else timer.previous.next = timer.next;
    if (timer.next !== undefined) timer.next.previous = timer.previous;
    timer.previous = undefined;
    timer.next = undefined;
    timer.slot = -1;
    this.#count--;
  }

  #wakeNext(): void {
    this.#wakeTick = Number.POSITIVE_INFINITY;
    clearTimeout(this.#wake);
    if (this.#count === 0) return;
    let tick = this.#visitedTick + 1;
    while (this.#heads[tick & SLOT_MASK] === undefined) tick++;
    this.#wakeAt(tick);
  }

  #wakeAt(tick: number): void {
    if (tick >= this.#wakeTick) return;
    clearTimeout(this.#wake);
    this.#wakeTick = tick;
    const delayMs = Math.max(1, Math.ceil(tick * TICK_MS - this.#clock.nowMs()));
    this.#wake = setTimeout(() => this.turn(), delayMs);
  }
}
