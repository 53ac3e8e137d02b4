import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { valkeyMissing } from '../../support/valkey.js';
import { runInside } from '../../runner/inside.js';
import { until } from './machines.js';
import { preparePlace } from './place.js';
import { queueAt, retriesOf, runQueued, writeTrainings } from './searches.js';

/** In a mount namespace of their own, processes see a small file system in place of a folder. */
const canMount =
  spawnSync('unshare', ['-Urm', 'sh', '-c', 'mount -t tmpfs -o size=64k tmpfs /tmp']).status === 0
    ? (false as const)
    : 'users cannot mount file systems on this system';
const skipped = [valkeyMissing, canMount].find((reason) => reason !== false) ?? (false as const);

describe.skipIf(skipped !== false)(
  `a worker whose disk is full${skipped === false ? '' : ` (skipped: ${skipped})`}`,
  () => {
    const place = preparePlace();

    it('reports it and takes no more jobs; other workers do them', async () => {
      const { directory, valkey, machines } = place;
      const file = writeTrainings(directory, queueAt(valkey.url), { name: 'full' });
      const { expected } = await runInside(file, join(directory, 'reference'));
      // Too small even for the data.
      const cache = join(directory, 'cache');
      const within = [
        'unshare',
        '-Urm',
        'sh',
        '-c',
        `mount -t tmpfs -o size=100k tmpfs ${cache} && mkdir -p ${cache}/small && exec "$@"`,
        'sh',
      ];
      const [full] = await place.workers({ within, env: { NAS_CACHE: join(cache, 'small') } });
      const run = runQueued({ file, workdir: join(directory, 'full') });
      await until(
        async () => {
          const [record] = await machines.workers(valkey.url);
          return record.unable !== null && record.jobs.length === 0;
        },
        () => `it is unable:\n${full.output}`,
      );
      const [record] = await machines.workers(valkey.url);
      expect(record).toMatchObject({ pid: full.pid, jobs: [], unable: expect.stringMatching(/disk|space/) as string });
      expect(full.output).toMatch(/disk|space/);
      machines.worker(valkey.url, { slots: 2 });
      const { found, events } = await run;
      expect(found).toEqual(expected);
      expect(retriesOf(events).length).toBeGreaterThan(0);
      for (const { message } of retriesOf(events)) expect(message).toMatch(/disk|space/);
      expect(full.isRunning()).toBe(true);
    });
  },
);
