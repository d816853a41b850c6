/**
 * The families of all series: what the list in series.ts describes, made able to count. Each process has one such set;
 * its types follow from the list, so that a cell cannot be asked for with the wrong number of labels.
 */
import { type FamilyDescription, HistogramFamily, ScalarFamily } from './family.ts';
import { SERIES } from './series.ts';

type FamilyOf<Description> =
  Description extends FamilyDescription<'histogram', infer Names>
    ? HistogramFamily<Names>
    : Description extends FamilyDescription<'counter' | 'gauge', infer Names>
      ? ScalarFamily<Names>
      : never;

/** Every family under its variable's name. */
export type Families = { readonly [Name in keyof typeof SERIES]: FamilyOf<(typeof SERIES)[Name]> };

/** Makes every family. Those without labels have their one cell, at zero, from the start, as in CoreDNS. */
export function createFamilies(): Families {
  const descriptions: Array<[string, FamilyDescription]> = Object.entries(SERIES);
  const entries = descriptions.map(([name, description]) => {
    const family = createFamily(description);
    if (description.labelNames.length === 0) family.cell();
    return [name, family] as const;
  });
  return Object.fromEntries(entries) as unknown as Families;
}

function createFamily(description: FamilyDescription): ScalarFamily | HistogramFamily {
  const { type } = description;
  if (type === 'histogram') return new HistogramFamily({ ...description, type });
  return new ScalarFamily({ ...description, type });
}
