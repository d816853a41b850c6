/**
 * Holds the newest of objects that come and go, though nobody asks for it.
 *
 * V8 knows how the objects of a class are laid out for as long as one of them lives. With the last one the layout goes, at the next large
 * collection, and with it all code that was compiled for it: what happens then runs in the interpreter, beside the compilers. Where misses
 * come in bursts, each after a pause is the first one again.
 */
export class Newest<T extends object> {
  #object: T | undefined;

  /** Holds it instead of the one before. */
  hold(object: T): T {
    this.#object = object;
    return object;
  }

  /** For tests. */
  get held(): T | undefined {
    return this.#object;
  }
}
