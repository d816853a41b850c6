/**
 * The Corefile as it stands on disk, read and checked as a whole. It is read again at each reload; a file that has anything
 * wrong gives an error and changes nothing.
 */
import { digestOf } from '../base/digest.ts';
import type { CorefileError, Position, ServerBlock } from '../corefile/ast.ts';
import { diskFiles, type FileSource } from '../corefile/file-source.ts';
import { parseCorefile } from '../corefile/parser.ts';
import { printCorefile } from '../corefile/printer.ts';
import {
  readServerBlocks,
  type ServerBlockOptions,
  type ServerConfig,
} from '../directives/server-config.ts';

export interface Configuration {
  readonly servers: readonly ServerConfig[];
  /** SHA-512 of the parsed file, imports included: what `reload` compares, as CoreDNS does. */
  readonly hash: string;
  /** The contents of the resolv.conf files that `forward` names; they are part of what is compared. */
  readonly resolvConf: string;
  /** What works but can hardly be meant; for the log when the configuration begins to serve. */
  readonly warnings: readonly string[];
}

export type ConfigurationResult =
  | { readonly ok: true; readonly configuration: Configuration }
  | { readonly ok: false; readonly error: CorefileError | Error };

/** What the command line says where the Corefile says nothing. */
export type Ports = Pick<ServerBlockOptions, 'defaultPort' | 'healthPort'>;

export interface ConfigurationOptions {
  /** The Corefile's path, or `stdin`. */
  readonly path: string;
  readonly ports: Ports;
  /** Where the Corefile could have come from instead; for the error when there is none. */
  readonly alternative?: string;
}

/** The file as it stands. */
export function readConfiguration({
  path,
  ports,
  alternative,
}: ConfigurationOptions): ConfigurationResult {
  return configurationOf(ports, (files, warn) => {
    const blocks = parseCorefile(corefileText(path, alternative), {
      file: path,
      environment: process.env,
      files,
      warn: (at, problem) => warn(lineOf(at, problem)),
    });
    if (blocks.length === 0) throw new Error(`${path}: expected a server block`);
    return blocks;
  });
}

/** What server blocks ask for, however they came to be; an error that `parse` throws is the result. */
export function configurationOf(
  ports: Ports,
  parse: (files: FileSource, warn: (line: string) => void) => readonly ServerBlock[],
): ConfigurationResult {
  const read: string[] = [];
  const warnings: string[] = [];
  const files: FileSource = {
    read: (path) => {
      const result = diskFiles.read(path);
      if (result.code === 'read') read.push(result.text);
      return result;
    },
    glob: (pattern) => diskFiles.glob(pattern),
  };
  try {
    const blocks = parse(diskFiles, (line) => warnings.push(line));
    const servers = readServerBlocks(blocks, {
      ...ports,
      files,
      warn: ({ directive, at, problem }) => warnings.push(lineOf(at, `${directive}: ${problem}`)),
    });
    const hash = digestOf('sha512', [printCorefile(blocks)]).toString('hex');
    return { ok: true, configuration: { servers, hash, resolvConf: read.join('\n'), warnings } };
  } catch (error) {
    if (error instanceof Error) return { ok: false, error };
    throw error;
  }
}

function lineOf({ file, line, column }: Position, text: string): string {
  return `${file}:${line}:${column}: ${text}`;
}

/** `stdin` is read whole, as CoreDNS does. */
function corefileText(path: string, alternative: string | undefined): string {
  const result = diskFiles.read(path === 'stdin' ? '/dev/stdin' : path);
  if (result.code === 'read') return result.text;
  const hint = alternative === undefined ? '' : `; nor is there ${alternative}`;
  throw new Error(`loading Corefile ${path}: ${result.reason}${hint}`);
}
