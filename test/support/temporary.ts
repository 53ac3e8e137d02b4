import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, onTestFinished } from 'vitest';

/** A new empty folder, removed when `end` runs its task. */
function folderUntil(end: (task: () => void) => void): string {
  const folder = mkdtempSync(join(tmpdir(), 'nas-test-'));
  end(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A new empty folder, removed after the test. */
export const temporaryFolder = (): string => folderUntil(onTestFinished);

/** As `temporaryFolder`, for all tests of a file or of a `describe`. */
export const sharedFolder = (): string => folderUntil(afterAll);
