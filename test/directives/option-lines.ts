/** Lines of a Corefile out of the table of options: with arguments that are right, too few, too many. */
import type { DirectiveName } from '../../src/directives/order.ts';
import { COREDNS_OPTIONS, type OptionFacts } from './coredns-options.ts';

/** An argument too many for whatever has a bound. */
const SURPLUS = 'surplus';

/** The directive with these arguments for one of its options. */
export function lineWith(name: DirectiveName, option: OptionFacts, args: string): string {
  const head = option.head ?? COREDNS_OPTIONS[name].head;
  const words = [option.option, args].filter((text) => text !== '').join(' ');
  if (option.place === 'line') return `${name} ${words}`;
  return `${head} {\n${option.beside}\n${words}\n}`;
}

export function wordsOf(args: string): string[] {
  return args.match(/"[^"]*"|\S+/g) ?? [];
}

/** Arguments of one too few and of one too many, by whether they are refused or passed over. */
export function wrongCounts({ count: [min, max], accepted, passesOver }: OptionFacts): {
  readonly refused: readonly string[];
  readonly passedOver: readonly string[];
} {
  const bySize = accepted.map(wordsOf).sort((one, other) => one.length - other.length);
  const [shortest, longest] = [bySize[0], bySize.at(-1)];
  const wrong = { refused: [] as string[], passedOver: [] as string[] };
  const listOf = (kind: typeof passesOver) =>
    passesOver === kind ? wrong.passedOver : wrong.refused;
  if (shortest !== undefined && min > 0) {
    listOf('too few').push(shortest.slice(0, min - 1).join(' '));
  }
  if (longest !== undefined && max !== Number.POSITIVE_INFINITY && !longest.includes('{')) {
    const filled = [...longest, ...Array<string>(max - longest.length + 1).fill(SURPLUS)];
    listOf('too many').push(filled.join(' '));
  }
  return wrong;
}
