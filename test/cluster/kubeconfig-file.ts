/** Kubeconfigs of these tests: one cluster, one user, one context. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type CleanUp, temporaryDirectory } from '../support/temporary-directory.ts';
import { CERTIFICATE } from '../upstream/support-certificate.ts';

export function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** Beside what `user` and `cluster` say, the context `test` with the API's address and its authority. */
export function kubeconfig(server: string, user: object, cluster: object = {}): object {
  const authority = { 'certificate-authority-data': base64(CERTIFICATE) };
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'here', user: 'me' } }],
    clusters: [{ name: 'here', cluster: { server, ...authority, ...cluster } }],
    users: [{ name: 'me', user }],
  };
}

/** The path of a file with it, in a folder of its own with `beside`. */
export function kubeconfigFile(
  test: CleanUp,
  config: object | string,
  beside: Readonly<Record<string, string>> = {},
): string {
  const folder = temporaryDirectory(test);
  for (const [name, text] of Object.entries(beside)) {
    writeFileSync(join(folder, name), text, { mode: 0o755 });
  }
  const file = join(folder, 'config');
  writeFileSync(file, typeof config === 'string' ? config : stringify(config));
  return file;
}
