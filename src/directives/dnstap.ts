/**
 * `dnstap SOCKET [full] [WRITEBUFFER] [QUEUE] { identity TEXT; version TEXT; extra TEXT; skipverify }` and
 * `dnstap listen SOCKET [full] { ...; tls CERT KEY [CA] }`: where messages are told to, in dnstap's form. It may repeat.
 */
import type { Directive, Word } from '../corefile/ast.ts';
import { portOf, splitHostPort } from './address.ts';
import {
  argumentsBeforeBlock,
  fail,
  failOption,
  integerOf,
  optionArgument,
  optionArguments,
} from './argument.ts';
import type { BlockContext } from './block-context.ts';

export type DnstapSocket =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp' | 'tls'; readonly host: string; readonly port: number };

export interface DnstapOptions {
  /** Whether sinks connect to us, instead of we to one. */
  readonly listens: boolean;
  readonly socket: DnstapSocket;
  /** Whether messages hold the octets that were sent and received. */
  readonly isFull: boolean;
  /** Messages that wait for a sink; beyond, they are dropped. */
  readonly queueMax: number;
  /** Octets that wait in a connection. */
  readonly writeBufferBytes: number;
  /** Undefined: the host's name. */
  readonly identity: string | undefined;
  /** Undefined: ours. */
  readonly version: string | undefined;
  /** A format of `log`. */
  readonly extra: string;
  readonly skipsVerification: boolean;
  readonly tls: DnstapTls | undefined;
}

/** Paths. */
export interface DnstapTls {
  readonly certPath: string;
  readonly keyPath: string;
  readonly caPath: string | undefined;
}

const SOCKET_COUNT = { min: 1, max: 4 };
/** CoreDNS reads and checks WRITEBUFFER and QUEUE here too; a listener has no use for them. */
const LISTEN_COUNT = { min: 2, max: 5 };
/** CoreDNS's unit and bounds for QUEUE, and those for WRITEBUFFER. */
const QUEUE_UNIT = 10_000;
const QUEUE_MAX = 4_096;
const WRITE_BUFFER_UNIT_BYTES = 2 ** 20;
const WRITE_BUFFER_MAX = 1_024;

type Draft = { -readonly [Key in keyof DnstapOptions]: DnstapOptions[Key] };

type OptionReader = (draft: Draft, option: Directive, context: BlockContext) => void;

const OPTIONS: ReadonlyMap<string, OptionReader> = new Map<string, OptionReader>([
  [
    'identity',
    (draft, option) => {
      draft.identity = optionArgument('dnstap', option).text;
    },
  ],
  [
    'version',
    (draft, option) => {
      draft.version = optionArgument('dnstap', option).text;
    },
  ],
  [
    'extra',
    (draft, option) => {
      draft.extra = optionArgument('dnstap', option).text;
    },
  ],
  [
    'skipverify',
    (draft, option) => {
      optionArguments('dnstap', option, { min: 0, max: 0 });
      draft.skipsVerification = true;
    },
  ],
  [
    'tls',
    (draft, option, context) => {
      if (!draft.listens) fail('dnstap', option.name, 'tls: expected dnstap listen');
      const [cert, key, ca] = optionArguments('dnstap', option, { min: 2, max: 3 }, context);
      draft.tls = { certPath: cert!.text, keyPath: key!.text, caPath: ca?.text };
    },
  ],
]);

/** In the order of the file. */
export function readDnstap(lines: readonly Directive[], context: BlockContext): DnstapOptions[] {
  return lines.map((line) => readOne(line, context));
}

function readOne(line: Directive, context: BlockContext): DnstapOptions {
  const listens = line.args[0]?.text === 'listen';
  const args = argumentsBeforeBlock(line, listens ? LISTEN_COUNT : SOCKET_COUNT, context);
  const [socket, full, writeBuffer, queue] = listens ? args.slice(1) : args;
  const draft: Draft = {
    listens,
    socket: socketOf(socket!),
    isFull: full?.text === 'full',
    queueMax: QUEUE_UNIT * multipleOf(queue, QUEUE_MAX),
    writeBufferBytes: WRITE_BUFFER_UNIT_BYTES * multipleOf(writeBuffer, WRITE_BUFFER_MAX),
    identity: undefined,
    version: undefined,
    extra: '',
    skipsVerification: false,
    tls: undefined,
  };
  for (const option of line.block ?? []) {
    const read = OPTIONS.get(option.name.text) ?? failOption('dnstap', option, [...OPTIONS.keys()]);
    read(draft, option, context);
  }
  if (listens && draft.socket.kind === 'tls' && draft.tls === undefined) {
    fail('dnstap', line.name, 'listen tls://: expected tls CERT KEY [CA] in its block');
  }
  return draft;
}

/** `tcp://HOST:PORT`, `tls://HOST:PORT`, `unix://PATH` or a path. */
function socketOf(word: Word): DnstapSocket {
  const [, kind, address = ''] = /^(tcp|tls):\/\/([^/]*)\/?$/.exec(word.text) ?? [];
  if (kind === undefined) {
    if (/^(?:tcp|tls):/.test(word.text)) failSocket(word);
    return { kind: 'unix', path: word.text.replace(/^unix:\/\//, '') };
  }
  const parts = splitHostPort(address);
  const port = parts && portOf(parts.port);
  if (parts === undefined || port === undefined) return failSocket(word);
  return { kind: kind as 'tcp' | 'tls', host: parts.host, port };
}

function failSocket(word: Word): never {
  fail(
    'dnstap',
    word,
    `'${word.text}': expected PATH, unix://PATH, tcp://HOST:PORT or tls://HOST:PORT`,
  );
}

function multipleOf(word: Word | undefined, max: number): number {
  return word === undefined ? 1 : integerOf('dnstap', word, { min: 1, max });
}
