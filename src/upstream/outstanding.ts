/**
 * The queries that wait for replies on one connection or socket, in the order in which they came: at most 64 on a connection
 * and 512 on a socket, a few in general, so that a search is short. An array and not a `Map`: a Map whose entries come and go
 * makes a new table every few entries, and once one of them is old, V8's scavenger keeps all later ones alive with what they
 * hold, a kilobyte a query.
 */
import type { UpstreamQuery } from './upstream-query.ts';

export class Outstanding {
  readonly #queries: UpstreamQuery[] = [];

  get size(): number {
    return this.#queries.length;
  }

  get oldest(): UpstreamQuery | undefined {
    return this.#queries[0];
  }

  has(id: number): boolean {
    return this.get(id) !== undefined;
  }

  get(id: number): UpstreamQuery | undefined {
    return this.#queries.find((query) => query.id === id);
  }

  add(query: UpstreamQuery): void {
    this.#queries.push(query);
  }

  delete(query: UpstreamQuery): void {
    const queries = this.#queries;
    const index = queries.indexOf(query);
    if (index === -1) return;
    // Not by `splice`, which makes an array of what it takes.
    for (let next = index + 1; next < queries.length; next++) queries[next - 1] = queries[next]!;
    queries.pop();
  }

  /** Takes all out. */
  clear(): UpstreamQuery[] {
    return this.#queries.splice(0);
  }
}
