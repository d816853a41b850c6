/**
 * `rewrite [continue|stop] FIELD ...`: rules that change a question before the stages behind see it, and what comes back. On one
 * line, or with each part on a line of a block. Several keep their order.
 *
 *   name [exact|prefix|suffix|substring|regex] FROM TO [answer auto|name FROM TO|value FROM TO]...
 *   type FROM TO          class FROM TO
 *   ttl [MATCH] NAME SECONDS|MIN-MAX
 *   rcode [MATCH] NAME FROM TO
 *   cname [MATCH] FROM TO
 *   edns0 local|nsid|subnet set|append|replace|unset ... [revert]
 */
import type { Directive, Word } from '../corefile/ast.ts';
import { argumentsBeforeBlock, fail, oneOf } from './argument.ts';
import { FIELD_READERS, type FieldName } from './rewrite-fields.ts';
import type { RewriteRule } from './rewrite-rule.ts';

const FIELDS = Object.keys(FIELD_READERS) as FieldName[];

/** In the order of the file. */
export function readRewrite(lines: readonly Directive[]): RewriteRule[] {
  return lines.map(readRule);
}

function readRule(line: Directive): RewriteRule {
  const words = wordsOf(line);
  const [first] = words;
  if (first === undefined) fail('rewrite', line.name, 'expected a rule: [continue|stop] FIELD ...');
  const mode = first.text.toLowerCase();
  const rest = mode === 'continue' || mode === 'stop' ? words.slice(1) : words;
  const [fieldWord, ...args] = rest;
  if (fieldWord === undefined) fail('rewrite', first, `${mode}: expected a rule behind it`);
  if (fieldWord.text.toLowerCase() === 'answer') {
    fail('rewrite', fieldWord, 'answer: expected a name rule before it');
  }
  const field = oneOf('rewrite', { ...fieldWord, text: fieldWord.text.toLowerCase() }, FIELDS);
  return { ...FIELD_READERS[field](fieldWord, args), continues: mode === 'continue' };
}

/** CoreDNS takes the words of a block one after the other, whatever their lines, where less than two stand before it. */
function wordsOf(line: Directive): Word[] {
  const args = argumentsBeforeBlock(line, { min: 0, max: Number.POSITIVE_INFINITY });
  const inBlock = (line.block ?? []).flatMap(({ name, args: rest, block }) => {
    if (block !== undefined) fail('rewrite', name, 'unexpected block within a rule');
    return [name, ...rest];
  });
  if (args.length >= 2 && line.block !== undefined) {
    fail('rewrite', line.name, 'unexpected block: the rule stands before it');
  }
  return [...args, ...inBlock];
}
