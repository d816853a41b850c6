/** What of a template or a ConfigMap does not take effect, and why: for the log and for the series that count it. */

/** The `kind` label of `zerohop_configmap_refused_total`. */
export const PROBLEM_KINDS = [
  /** A directory or file that cannot be read, is too large, or is one too many. */
  'unreadable',
  /** Not UTF-8. */
  'encoding',
  /** Not JSON, or JSON of another shape. */
  'json',
  /** A stub domain that is no domain name. */
  'domain',
  /** A stub domain that is a zone already. */
  'duplicate',
  /** A stub domain without servers. */
  'empty',
  /** A server that is no address or name, or a bad port. */
  'server',
  /** Beyond a limit. */
  'excess',
  /** The template: wrong, or there is none any more. */
  'template',
  /** The rendered Corefile could not be written. */
  'write',
] as const;

export type ProblemKind = (typeof PROBLEM_KINDS)[number];

export interface Problem {
  readonly kind: ProblemKind;
  /** One line: the file, the entry in it, what is wrong, and what was expected. */
  readonly text: string;
}
