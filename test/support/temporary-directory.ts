/**
 * A directory for one test, removed when the test ends.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** What of a test's context is needed to clean up after it. */
export type CleanUp = Pick<TestContext, 'after'>;

/** The path of a new, empty directory. */
export function temporaryDirectory(test: CleanUp): string {
  const path = mkdtempSync(join(tmpdir(), 'zerohop-test-'));
  test.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
