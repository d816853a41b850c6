/**
 * Loads what `template` needs when a Corefile has one: its two languages and the reader of records. That costs 1.2 MB of heap and
 * 4 MB of anonymous memory, which no other node has to bear. Synchronous, as the reading of a Corefile is.
 */
import { createRequire } from 'node:module';
import { extname } from 'node:path';
import type { Directive } from '../corefile/ast.ts';
import type { BlockContext } from './block-context.ts';
import type { TemplateOptions } from './template.ts';
import type { TemplateDependencies, TemplateStage } from './template-stage.ts';

const load = createRequire(import.meta.url);
/** Of sources as they are, or as the image has them. */
const EXTENSION = extname(import.meta.url);

/** In the order of the file; empty where the block has none. */
export function readTemplates(
  lines: readonly Directive[],
  context: BlockContext,
): readonly TemplateOptions[] {
  if (lines.length === 0) return [];
  const reader = load(`./template${EXTENSION}`) as typeof import('./template.ts');
  return reader.readTemplates(lines, context);
}

export function createTemplateStage(
  templates: readonly TemplateOptions[],
  deps: TemplateDependencies,
): TemplateStage {
  const stage = load(`./template-stage${EXTENSION}`) as typeof import('./template-stage.ts');
  return new stage.TemplateStage(templates, deps);
}
