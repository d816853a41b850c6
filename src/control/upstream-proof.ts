/**
 * The proof that comes before interception: a query to an address of our own is answered by this very process, and from an
 * upstream. Until then pods are better off with kube-dns.
 *
 * Asked are names that no cache holds, one below each zone that has an upstream (below `invalid.` where that is the root, which
 * resolvers know not to exist, RFC 6761 §6.4); NOERROR or NXDOMAIN to one of them is enough. That it was us who answered is
 * told by our own counter: a rule or another program could have answered in our place.
 */
import { randomHex } from '../os/random.ts';
import { QTYPE, RCODE, rcodeName } from '../wire/registry.ts';
import type { SelfAddress, SelfAnswer, SelfQuestion } from './self-query.ts';

export interface ProofTarget {
  readonly address: SelfAddress;
  /** The `server` label of the listener. */
  readonly label: string;
  /** Zones of blocks with an upstream there; none: any answer of ours is proof enough. */
  readonly zones: readonly string[];
}

export interface ProofDependencies {
  readonly ask: (address: SelfAddress, question: SelfQuestion) => Promise<SelfAnswer>;
  /** Queries that this process has answered at a listener. */
  readonly answeredAt: (label: string) => number;
}

/** Undefined: proven. Else why not, for a log line. */
export type Doubt = string | undefined;

/** Zones asked at once; with one of them answered there is an upstream. */
const ZONES_MAX = 8;

export async function doubt(target: ProofTarget, deps: ProofDependencies): Promise<Doubt> {
  const { address, label } = target;
  const zones = target.zones.length === 0 ? ['.'] : target.zones.slice(0, ZONES_MAX);
  const before = deps.answeredAt(label);
  const answers = await Promise.all(
    zones.map((zone) => deps.ask(address, { name: unknownName(zone), qtype: QTYPE.A })),
  );
  const answered = answers.filter((answer) => answer.code === 'answered');
  if (answered.length > 0 && deps.answeredAt(label) === before) {
    return `somebody else answers at ${address.host}`;
  }
  const isProven = answered.some(({ rcode }) => {
    return target.zones.length === 0 || rcode === RCODE.NOERROR || rcode === RCODE.NXDOMAIN;
  });
  if (isProven) return undefined;
  return answers.map((answer, index) => `${zones[index]}: ${outcomeText(answer)}`).join('; ');
}

function unknownName(zone: string): string {
  const label = `zerohop-${randomHex(6)}`;
  return zone === '.' ? `${label}.invalid.` : `${label}.${zone}`;
}

function outcomeText(answer: SelfAnswer): string {
  return answer.code === 'answered' ? rcodeName(answer.rcode) : answer.reason;
}
