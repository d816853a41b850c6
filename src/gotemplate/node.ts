/**
 * The tree of a template, after Go's text/template/parse, and its text: messages quote the part that failed, and metrics
 * name a template by the whole.
 */
import { quote } from './octet-string.ts';

interface Placed {
  /** Where it begins, in UTF-16 units of the source. */
  readonly at: number;
}

export type Statement =
  | TextNode
  | ActionNode
  | BranchNode
  | TemplateNode
  | (Placed & { readonly kind: 'break' | 'continue' });

export interface TextNode extends Placed {
  readonly kind: 'text';
  readonly octets: string;
}

/** A pipeline whose value is printed, or a declaration. */
export interface ActionNode extends Placed {
  readonly kind: 'action';
  readonly pipe: PipeNode;
}

export interface BranchNode extends Placed {
  readonly kind: 'if' | 'range' | 'with';
  readonly pipe: PipeNode;
  readonly list: readonly Statement[];
  readonly otherwise: readonly Statement[] | undefined;
}

/** The use of a template that is defined elsewhere. */
export interface TemplateNode extends Placed {
  readonly kind: 'template';
  /** Octets. */
  readonly name: string;
  readonly pipe: PipeNode | undefined;
}

export type Operand =
  | (Placed & { readonly kind: 'dot' | 'nil' })
  | (Placed & { readonly kind: 'bool'; readonly value: boolean })
  | NumberNode
  | (Placed & { readonly kind: 'string'; readonly octets: string; readonly source: string })
  | FieldNode
  | VariableNode
  | (Placed & { readonly kind: 'identifier'; readonly name: string })
  | ChainNode
  | PipeNode;

export interface NumberNode extends Placed {
  readonly kind: 'number';
  readonly source: string;
  /** What it may stand for; at least one of them. */
  readonly integer: bigint | undefined;
  readonly float: number | undefined;
}

/** `.A.B`. */
export interface FieldNode extends Placed {
  readonly kind: 'field';
  readonly path: readonly string[];
}

/** `$x.A.B`; the variable's name with its dollar comes first. */
export interface VariableNode extends Placed {
  readonly kind: 'variable';
  readonly path: readonly string[];
}

/** `(...).A.B`. */
export interface ChainNode extends Placed {
  readonly kind: 'chain';
  readonly operand: Operand;
  readonly path: readonly string[];
}

export interface CommandNode extends Placed {
  readonly kind: 'command';
  /** At least one. */
  readonly operands: readonly Operand[];
}

export interface PipeNode extends Placed {
  readonly kind: 'pipe';
  /** Names with their dollars; at most two, both only in `range`. */
  readonly variables: readonly string[];
  /** Whether the variables exist already. */
  readonly assigns: boolean;
  readonly commands: readonly CommandNode[];
}

export type Node = Statement | Operand | CommandNode;

/** The source of a node in the one spelling that Go prints; as octets. */
export function nodeText(node: Node): string {
  switch (node.kind) {
    case 'text':
      return node.octets;
    case 'action':
      return `{{${nodeText(node.pipe)}}}`;
    case 'break':
    case 'continue':
      return `{{${node.kind}}}`;
    case 'template':
      return templateText(node);
    case 'command':
      return node.operands.map(operandText).join(' ');
    case 'pipe':
      return pipeText(node);
    case 'if':
    case 'range':
    case 'with':
      return branchText(node);
    default:
      return termText(node);
  }
}

export function listText(list: readonly Statement[]): string {
  return list.map(nodeText).join('');
}

function operandText(operand: Operand): string {
  return operand.kind === 'pipe' ? `(${nodeText(operand)})` : nodeText(operand);
}

function termText(node: Exclude<Operand, PipeNode>): string {
  switch (node.kind) {
    case 'dot':
      return '.';
    case 'nil':
      return 'nil';
    case 'bool':
      return String(node.value);
    case 'field':
      return `.${node.path.join('.')}`;
    case 'variable':
      return node.path.join('.');
    case 'identifier':
      return node.name;
    case 'chain':
      return `${operandText(node.operand)}.${node.path.join('.')}`;
    default:
      return node.source;
  }
}

function pipeText({ variables, assigns, commands }: PipeNode): string {
  const head = variables.length === 0 ? '' : `${variables.join(', ')} ${assigns ? '=' : ':='} `;
  return head + commands.map(nodeText).join(' | ');
}

function branchText({ kind, pipe, list, otherwise }: BranchNode): string {
  const second = otherwise === undefined ? '' : `{{else}}${listText(otherwise)}`;
  return `{{${kind} ${nodeText(pipe)}}}${listText(list)}${second}{{end}}`;
}

function templateText({ name, pipe }: TemplateNode): string {
  const data = pipe === undefined ? '' : ` ${nodeText(pipe)}`;
  return `{{template ${quote(name)}${data}}}`;
}
