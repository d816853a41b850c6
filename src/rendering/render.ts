/**
 * From a template and the settings of the kube-dns ConfigMap to a Corefile, as data and as text:
 *
 *   template -> words, placeholders filled -> server blocks -> `forward` to UDP --+
 *   stubDomains -> server blocks -------------------------------------------------+-> blocks, text
 *
 * Pure: files and environment come in, nothing goes out but the result.
 */
import { dirname } from 'node:path';
import { CorefileError, type Directive, type Position, type ServerBlock } from '../corefile/ast.ts';
import type { Environment } from '../corefile/environment.ts';
import type { FileSource } from '../corefile/file-source.ts';
import { parseCorefile } from '../corefile/parser.ts';
import { printCorefile } from '../corefile/printer.ts';
import type { KubeDnsSettings } from './kube-dns.ts';
import { type Filled, fillPlaceholders, type PlaceholderValues } from './placeholders.ts';
import type { Problem } from './problem.ts';
import { writeRecord } from './record.ts';
import { stubBlocks } from './stub-blocks.ts';

/** What node-cache asks where no servers are configured. */
const RESOLV_CONF = '/etc/resolv.conf';

export interface Template {
  readonly path: string;
  readonly text: string;
}

export interface RenderOptions extends Omit<PlaceholderValues, 'upstreamServers'> {
  readonly environment: Environment;
  readonly files: FileSource;
  /** The folder of the rendered file: the template's relative imports start there, as in node-cache. */
  readonly folder: string;
  /** `-dns.port`: of stub domains. */
  readonly dnsPort: number;
  /** The file of `stubDomains`, for errors. */
  readonly stubDomainsPath: string;
}

export interface Rendering {
  readonly blocks: readonly ServerBlock[];
  /** The whole as a Corefile; read again, it gives the same blocks. */
  readonly text: string;
  readonly problems: readonly Problem[];
  /** What works but can hardly be meant. */
  readonly notes: readonly string[];
}

/** Throws a `CorefileError`, with its place in the template, where the template is wrong. */
export function render(
  template: Template,
  settings: KubeDnsSettings,
  options: RenderOptions,
): Rendering {
  const { upstreamNameservers } = settings;
  const hasUpstreams = upstreamNameservers.length > 0;
  const upstreamServers = hasUpstreams ? upstreamNameservers : [RESOLV_CONF];
  let filled: Filled | undefined;
  const notes: string[] = [];
  const parsed = parseCorefile(template.text, {
    file: template.path,
    environment: options.environment,
    files: options.files,
    folderOf: (file) => (file === template.path ? options.folder : dirname(file)),
    fill: (tokens) => {
      filled = fillPlaceholders(tokens, { ...options, upstreamServers });
      return filled.tokens;
    },
    warn: (at, problem) => notes.push(`${placeText(at)}: ${problem}`),
  });
  const { upstreamPlaces, leftOver } = filled!;
  const own = hasUpstreams ? parsed.map((block) => overUdp(block, upstreamPlaces)) : parsed;
  const { localIps, dnsPort: port, stubDomainsPath: path } = options;
  const stubs = stubBlocks(settings.stubDomains, own, { path, port, localIps });
  if (own.length === 0) {
    throw new CorefileError(startOf(template.path), 'expected a server block');
  }
  return {
    blocks: [...own, ...stubs.blocks],
    text: `${writeRecord(template.path, settings)}${printCorefile([...own, ...stubs.blocks])}`,
    problems: stubs.problems,
    notes: [
      ...notes,
      ...leftOver.map(
        ({ name, at }) =>
          `${placeText(at)}: ${name} is served as it stands: expected it to be replaced before the template is applied`,
      ),
    ],
  };
}

/** Servers of the operator's own choice speak UDP at least; whichever `forward` named the placeholder asks so. */
function overUdp(block: ServerBlock, places: ReadonlySet<Position>): ServerBlock {
  return {
    ...block,
    directives: block.directives.map((line) => {
      const named = line.name.text === 'forward' && line.args.some(({ at }) => places.has(at));
      return named ? withoutForceTcp(line) : line;
    }),
  };
}

function withoutForceTcp(line: Directive): Directive {
  const block = line.block?.filter(({ name }) => name.text !== 'force_tcp');
  // A block with nothing else in it goes as a whole, as in node-cache.
  return { ...line, block: block?.length === 0 ? undefined : block };
}

function startOf(file: string): Position {
  return { file, line: 1, column: 1 };
}

function placeText({ file, line, column }: Position): string {
  return `${file}:${line}:${column}`;
}
