/**
 * Kubernetes' OpenAPI schemas, from the npm package kubernetes-models, and Karpenter's definitions from one of the same kind: its validators hold types, formats and required fields; its
 * declarations, with TypeScript's check for excess properties, hold that there is no field that Kubernetes does not know. What others
 * define is held by the schemas of custom-resources.ts.
 */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CleanUp } from '../support/temporary-directory.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { customProblem, isCustom } from './custom-resources.ts';
import { type KubernetesObject, ROOT } from './manifest.ts';

const KUBERNETES = join(ROOT, 'node_modules/kubernetes-models');
const KARPENTER = join(ROOT, 'node_modules/@kubernetes-models/karpenter');
const COMPILER = join(ROOT, 'node_modules/.bin/tsc');

/** Where a package has an object's class: `v1/Service`, `apps/v1/DaemonSet`. */
function moduleOf({ apiVersion, kind }: KubernetesObject): string {
  const folder = apiVersion.startsWith('karpenter.') ? KARPENTER : KUBERNETES;
  return join(folder, apiVersion, `${kind}.js`);
}

/** What is wrong with the values of an object; undefined: nothing. */
export async function valueProblem(object: KubernetesObject): Promise<string | undefined> {
  if (isCustom(object)) return customProblem(object);
  const classes = await import(moduleOf(object));
  const model = new classes[object.kind](object);
  try {
    model.validate();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The compiler's complaints about fields that Kubernetes does not have; empty: none. */
export function fieldProblems(
  test: CleanUp,
  objects: readonly KubernetesObject[],
): Promise<string> {
  const text = objects
    .filter((object) => !isCustom(object))
    .map((object, index) => {
      const type = `import(${JSON.stringify(moduleOf(object))}).I${object.kind}`;
      return `export const object${index}: ${type} = ${JSON.stringify(object, undefined, 2)};\n`;
    });
  const file = join(temporaryDirectory(test), 'objects.ts');
  writeFileSync(file, text.join(''));
  const flags = [
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    '--ignoreConfig',
    '--module',
    'nodenext',
  ];
  return new Promise((resolve) => {
    execFile(COMPILER, [...flags, file], (_error, stdout, stderr) => {
      resolve(`${stdout}${stderr}`);
    });
  });
}
