/**
 * What is done every few seconds whatever happens, in as few wake-ups as that takes: one every other second where all periods are even.
 * An idle process pays for waking rather than for working: 0.05 ms for a thread of C that then does nothing, 0.13 ms for Node's event
 * loop (bench/README.md, "What nothing costs").
 */

interface Task {
  readonly seconds: number;
  readonly run: () => void;
  /** Runs with the first beat that is not before this second. */
  dueAt: number;
}

export class Heartbeat {
  readonly #tasks = new Set<Task>();
  #timer: NodeJS.Timeout | undefined;
  /** Seconds between two beats, of which every period is a multiple; 0 where there is none. */
  #tempo = 0;
  /** Seconds up to the last beat. */
  #now = 0;

  /**
   * Calls `run` every so many whole seconds, for the first time after at least as many and less than twice as many, until the returned
   * function is called. Does not keep the process alive.
   */
  every(seconds: number, run: () => void): () => void {
    const task = { seconds, run, dueAt: 0 };
    this.#tasks.add(task);
    const tempo = this.#tempo;
    this.#keepTempo();
    // Where the heart beats already, the next beat comes too soon to count.
    const early = this.#tempo === tempo ? tempo : 0;
    task.dueAt = this.#now + early + seconds;
    return () => {
      this.#tasks.delete(task);
      // Where others are left, the next beat comes in time.
      if (this.#tasks.size === 0) this.#keepTempo();
    };
  }

  #beat(): void {
    this.#now += this.#tempo;
    for (const task of this.#tasks) {
      if (task.dueAt > this.#now) continue;
      task.dueAt = this.#now + task.seconds;
      task.run();
    }
    this.#keepTempo();
  }

  /** Beats anew, from now on, where the tasks want it faster or slower; nobody is called too early for that. */
  #keepTempo(): void {
    let tempo = 0;
    for (const { seconds } of this.#tasks) tempo = divisor(tempo, seconds);
    if (tempo === this.#tempo) return;
    this.#tempo = tempo;
    clearInterval(this.#timer);
    this.#timer = tempo === 0 ? undefined : setInterval(() => this.#beat(), 1000 * tempo).unref();
  }
}

/** The greatest common one; 0 has any. */
function divisor(one: number, other: number): number {
  return other === 0 ? one : divisor(other, one % other);
}

/** The process's own. */
export const heartbeat = new Heartbeat();
