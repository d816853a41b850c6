/**
 * The `loop` directive at work, as CoreDNS does it: at the start the block's own first address is asked for a name nobody
 * else would ask (HINFO of two random labels); if that question comes in more than twice, what the block forwards returns
 * to it. Two seconds after the answer nobody looks any more.
 */
import { randomUint } from '../os/random.ts';
import { lowerName, nameFromText } from '../wire/name.ts';
import type { Octets } from '../wire/octets.ts';
import { QTYPE } from '../wire/registry.ts';
import type { HostPort } from './resolution.ts';

/** Sightings that are still no loop, as in CoreDNS: the question itself, and once more. */
const SIGHTINGS_MAX = 2;

export class LoopDetector {
  /** What is asked for, in presentation form. */
  readonly name: string;
  readonly zone: string;
  readonly #qname: Octets;
  readonly #onLoop: (detector: LoopDetector, peer: HostPort) => void;
  #sightings = 0;
  #isLooking = true;

  /** `zone`: the block's first; `onLoop` is called once an attempt at most, with who asked last. */
  constructor(zone: string, onLoop: (detector: LoopDetector, peer: HostPort) => void) {
    this.zone = zone;
    // CoreDNS draws two numbers of 63 bits; 48 are as unlikely to be asked by anyone else.
    this.name = `${randomLabel()}.${randomLabel()}.${zone === '.' ? '' : zone}`;
    this.#qname = lowerName(nameFromText(this.name)!);
    this.#onLoop = onLoop;
  }

  /** The question is asked anew: what was seen of the attempt before counts no more. */
  forget(): void {
    this.#sightings = 0;
  }

  stop(): void {
    this.#isLooking = false;
  }

  /** Looks at a question that came in; true where it is our own, which must then be asked each time it comes. */
  sees(qname: Octets, qtype: number, peer: () => HostPort): boolean {
    if (!this.#isLooking || qtype !== QTYPE.HINFO || !isSame(qname, this.#qname)) return false;
    this.#sightings += 1;
    if (this.#sightings === SIGHTINGS_MAX + 1) this.#onLoop(this, peer());
    return true;
  }
}

function randomLabel(): string {
  return String(randomUint(6));
}

function isSame(left: Octets, right: Octets): boolean {
  return left.length === right.length && left.every((octet, at) => octet === right[at]);
}
