import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, onTestFinished } from 'vitest';

/** A new empty folder, removed after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'nas-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A new empty folder of a file or group of tests, removed after all of them. */
export function sharedFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'nas-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
