/** The rules of `rewrite` as plain data. */
import type { EdnsRewrite } from './edns-rewrite.ts';
import type { NameMatch } from './name-match.ts';

/** What `answer` makes of the names in a response. */
export interface AnswerRewrite {
  /** Owners, or names in RDATA. */
  readonly what: 'name' | 'value';
  readonly match: NameMatch;
  readonly to: string;
}

export interface NameRewrite {
  readonly field: 'name';
  readonly match: NameMatch;
  readonly to: string;
  /** Whether names that the rule made go back to what they were, in owners and RDATA. */
  readonly isReverted: boolean;
  readonly answers: readonly AnswerRewrite[];
}

export type RewriteAction =
  | NameRewrite
  | { readonly field: 'type' | 'class'; readonly from: number; readonly to: number }
  | {
      readonly field: 'ttl';
      readonly match: NameMatch;
      readonly minS: number;
      readonly maxS: number;
    }
  | {
      readonly field: 'rcode';
      readonly match: NameMatch;
      readonly from: number;
      readonly to: number;
    }
  | { readonly field: 'cname'; readonly match: NameMatch; readonly to: string }
  | ({ readonly field: 'edns0' } & EdnsRewrite);

export type RewriteRule = RewriteAction & {
  /** Whether the rules behind it are looked at when this one has applied. */
  readonly continues: boolean;
};
