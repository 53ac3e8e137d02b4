/** Queue workers in one process. It prints a line when they are ready, and ends on SIGTERM. */
import { join } from 'node:path';
import { z } from 'zod';
import { queueAddress } from '../../workers/connection.js';
import { startWorker } from '../../workers/worker/start-worker.js';

const settings = z
  .object({ url: z.string(), workers: z.number(), slots: z.number(), directory: z.string() })
  .parse(JSON.parse(process.argv[2]));
const address = queueAddress({ url: settings.url, prefix: 'nas', insecure: false });
const workers = await Promise.all(
  Array.from({ length: settings.workers }, (_, i) =>
    startWorker({
      address,
      slots: settings.slots,
      memoryBytes: null,
      tags: [],
      modules: true,
      cacheBytes: 2 ** 34,
      directory: join(settings.directory, String(i)),
      patienceMs: 60_000,
      onNote: (message) => void process.stderr.write(`worker ${i}: ${message}\n`),
    }),
  ),
);
process.stdout.write('{}\n');
process.once('SIGTERM', () => {
  void Promise.all(workers.map((worker) => worker.stop())).then(() => process.exit(0));
});
