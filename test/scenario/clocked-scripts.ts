/** What the upstream of a timetable says: an old answer, a new one, denials and failures. */
import { addresses, bare, negative } from '../support/scripted-replies.ts';
import type { Script } from './clocked-stage.ts';

export const OLD = ['192.0.2.1'];
export const NEW = ['192.0.2.2'];
/** What a client gets where there is nothing to be had. */
export const NOTHING = ['SERVFAIL', [], undefined] as const;

export function old(ttl: number): Script {
  return (query) => addresses(query, OLD, ttl);
}

export function fresh(ttl: number): Script {
  return (query) => addresses(query, NEW, ttl);
}

/** NXDOMAIN. */
export function gone(ttl: number): Script {
  return (query) => negative(query, 3, 'example.org', ttl);
}

/** NODATA. */
export function empty(ttl: number): Script {
  return (query) => negative(query, 0, 'example.org', ttl);
}

export const servfail: Script = (query) => bare(query, 2);
export const dead: Script = () => 'dead';
