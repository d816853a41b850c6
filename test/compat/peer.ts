/**
 * The program that we replace, as a peer of tests: CoreDNS where ZEROHOP_COREDNS names a binary of it, node-cache where
 * ZEROHOP_NODE_CACHE does. It serves on loopback, in a directory of the test.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { within } from '../support/deadline.ts';
import { type CleanUp, temporaryDirectory } from '../support/temporary-directory.ts';

export interface Peer {
  readonly name: string;
  /** Of the CoreDNS in it, such as `1.14.7`. */
  readonly version: string;
  /** The command with a Corefile in a directory of its own. */
  readonly command: (corefile: string, directory: string) => readonly string[];
}

/** Why the peer did not serve: its last words. */
export interface Refusal {
  readonly refused: string;
}

const NODE_CACHE_FLAGS = [
  ...['-localip', '127.0.0.1', '-setupinterface=false', '-setupiptables=false'],
  ...['-metrics-listen-address', '127.0.0.1:0', '-skipteardown=true'],
];

/** In whatever order stdout and stderr come. */
const COMPLAINT = /Error during parsing|plugin\/|cannot serve|listen (?:tcp|udp)/;

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Those whose binaries are named; `skip` says why there is none. */
export function namedPeers(): { readonly peers: readonly Peer[]; readonly skip: string | false } {
  const peers: Peer[] = [];
  const { ZEROHOP_COREDNS: coredns, ZEROHOP_NODE_CACHE: nodeCache } = process.env;
  if (coredns) {
    const command = (corefile: string) => [coredns, '-conf', corefile];
    peers.push({ name: 'CoreDNS', version: versionOf([coredns, '-version']), command });
  }
  if (nodeCache) {
    const command = (corefile: string, directory: string) => [
      ...[nodeCache, ...NODE_CACHE_FLAGS, '-basecorefile', corefile],
      ...['-conf', join(directory, 'rendered')],
    ];
    // Its flags want a template even for their own sake.
    const version = versionOf([
      nodeCache,
      ...NODE_CACHE_FLAGS,
      '-basecorefile=/dev/null',
      '-version',
    ]);
    peers.push({ name: 'node-cache', version, command });
  }
  const skip =
    peers.length === 0 && 'neither ZEROHOP_COREDNS nor ZEROHOP_NODE_CACHE names a binary';
  return { peers, skip };
}

function versionOf([binary, ...flags]: readonly string[]): string {
  const { stdout, stderr } = spawnSync(binary!, flags, { encoding: 'utf8', timeout: 20_000 });
  const [, version] = /CoreDNS-([0-9.]+)/.exec(stdout) ?? [];
  if (version === undefined) throw new Error(`${binary} says no version:\n${stdout}${stderr}`);
  return version;
}

/** Resolves when it serves or has ended. */
export async function startPeer(
  test: CleanUp,
  { command }: Peer,
  corefile: string,
  files: Readonly<Record<string, string>> = {},
): Promise<Refusal | { readonly stop: () => Promise<void> }> {
  const directory = temporaryDirectory(test);
  const path = join(directory, 'Corefile');
  writeFileSync(path, corefile);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  const [binary, ...args] = command(path, directory);
  const child = spawn(binary!, args, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  let output = '';
  const closed = once(child, 'close').then(() => {
    running.delete(child);
  });
  const serves = new Promise<void>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        if (/^CoreDNS-/m.test(output)) resolve();
      });
    }
  });
  const stop = async () => {
    child.kill('SIGKILL');
    await closed;
  };
  test.after(stop);
  await within(Promise.race([serves, closed]), 'start of the peer');
  if (running.has(child)) return { stop };
  const lines = output.replaceAll(directory, '').trim().split('\n');
  return { refused: lines.find((line) => COMPLAINT.test(line)) ?? lines.at(-1)! };
}
