/**
 * What is done every few seconds whatever happens, in one wake-up a second. An idle process pays for waking rather than for working:
 * 0.05 ms for a thread of C that then does nothing, 0.13 ms for Node's event loop (bench/README.md, "What nothing costs").
 */

const BEAT_MS = 1000;

interface Task {
  readonly seconds: number;
  readonly run: () => void;
  /** The number of the beat that runs it next. */
  dueAt: number;
}

export class Heartbeat {
  readonly #tasks = new Set<Task>();
  #timer: NodeJS.Timeout | undefined;
  #beats = 0;

  /**
   * Calls `run` every so many whole seconds, for the first time after at least as many and less than one more, until the returned
   * function is called. Does not keep the process alive.
   */
  every(seconds: number, run: () => void): () => void {
    // Where the heart beats already, the next beat comes too soon to count.
    const early = this.#timer === undefined ? 0 : 1;
    const task = { seconds, run, dueAt: this.#beats + early + seconds };
    this.#tasks.add(task);
    this.#timer ??= setInterval(() => this.#beat(), BEAT_MS).unref();
    return () => {
      this.#tasks.delete(task);
      if (this.#tasks.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  #beat(): void {
    this.#beats += 1;
    for (const task of this.#tasks) {
      if (task.dueAt > this.#beats) continue;
      task.dueAt = this.#beats + task.seconds;
      task.run();
    }
  }
}

/** The process's own. */
export const heartbeat = new Heartbeat();
