import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, vi } from 'vitest';
import { startValkey, type Valkey } from '../../support/valkey.js';
import { Machines, type Command, type WorkerOptions } from './machines.js';

/** The resources of a test file. */
export interface Place {
  readonly directory: string;
  readonly valkey: Valkey;
  /** Its processes are killed after each test. */
  readonly machines: Machines;
  /** Starts a worker of its queue for each of the options, and waits until they are in the registry. */
  readonly workers: (...options: readonly WorkerOptions[]) => Promise<Command[]>;
}

/** A folder, a queue server and a cache for the coordinator in the test's process, for the tests of a `describe`. */
export function preparePlace(): Place {
  let directory = '';
  let valkey: Valkey | undefined;
  let machines: Machines | undefined;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'nas-reliability-'));
    vi.stubEnv('NAS_CACHE', join(directory, 'cache', 'coordinator'));
    valkey = await startValkey();
    machines = new Machines(directory);
  });
  afterEach(() => machines?.close());
  afterAll(async () => {
    await valkey?.stop();
    vi.unstubAllEnvs();
    rmSync(directory, { recursive: true, force: true });
  });
  const there = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('this is there only while tests run');
    return value;
  };
  return {
    get directory() {
      return directory;
    },
    get valkey() {
      return there(valkey);
    },
    get machines() {
      return there(machines);
    },
    workers: async (...options) => {
      const { url } = there(valkey);
      const started = options.map((one) => there(machines).worker(url, one));
      await there(machines).ready(url, ...started);
      return started;
    },
  };
}
