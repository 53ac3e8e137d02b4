import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { invalidInput } from '../../base/errors.js';
import { cacheDirectory } from '../../base/files.js';
import { bytes as inBytes } from '../../base/number-text.js';
import { parseBytes, wholeNumber } from '../arguments/values.js';
import { command, listOption, flag } from '../command.js';
import { queueAddressOf, queueOptions } from '../arguments/queue.js';
import { untilStopped } from '../signals.js';
import { createWorkerView } from '../worker-progress/index.js';

/** Memory of the machine, or what its container may use. */
function memoryHere(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

const slotsOf = (memory: number): number => Math.max(1, Math.min(availableParallelism(), Math.floor(memory / 2 ** 30)));

export const worker = command({
  usage: 'worker',
  summary: 'Do the jobs of runs on other machines, which come through a queue',
  examples: [
    ['worker --queue redis://10.0.0.5:6379', 'as many jobs at once as there are cores, until Ctrl-C'],
    ['worker --queue redis://10.0.0.5:6379 --slots 2 --tag gpu', 'two at once, also those that ask for the tag'],
  ],
  options: (yargs) =>
    queueOptions(yargs)
      .option('slots', {
        type: 'number',
        describe: 'Jobs at once; by default as many as there are cores, with 1 GiB of memory for each',
      })
      .option('memory', {
        type: 'string',
        describe:
          'Most memory that all jobs together may hold, such as 4G; a job that needs more than its part is ended',
      })
      .option('tag', {
        ...listOption,
        describe: 'Take the jobs, too, of runs that ask for this tag; may be repeated',
      })
      .option('cache-size', {
        type: 'string',
        default: '20G',
        describe: 'Most that is kept of data sets and weights that were fetched; the longest unused go first',
      })
      .option(
        'allow-modules',
        flag(
          "Run code of the users that comes with jobs: spaces and evaluations of their own; with this worker's rights",
        ),
      )
      .option('patience', {
        type: 'number',
        default: 60,
        describe: 'Seconds without a sign after which this worker counts as dead, and its jobs are given to others',
      }),
  run: async (args, terminal) => {
    const { tag: tags, allowModules: modules, patience } = args;
    const memoryBytes = args.memory === undefined ? null : parseBytes('--memory', args.memory);
    const slots = args.slots ?? slotsOf(memoryBytes ?? memoryHere());
    wholeNumber('--slots', slots, 1, 1024);
    if (!(patience >= 2 && patience <= 86_400))
      throw invalidInput(`--patience ${patience}: expected seconds, from 2 to 86400`);
    const { tagSchema } = await import('../../latency-models/schema.js');
    for (const tag of tags) {
      const { error } = tagSchema.safeParse(tag);
      if (error !== undefined) throw invalidInput(`--tag ${tag}: ${error.issues[0].message}`);
    }
    const cacheBytes = parseBytes('--cache-size', args.cacheSize);
    const address = await queueAddressOf(args);
    const { startWorker } = await import('../../workers/worker/start-worker.js');
    const view = createWorkerView(terminal);
    try {
      const started = await startWorker({
        address,
        slots,
        memoryBytes,
        tags,
        modules,
        cacheBytes,
        directory: join(cacheDirectory(), 'queue'),
        patienceMs: patience * 1000,
        onNote: (message) => view.note(message),
        observe: (event) => view.observe(event),
      });
      const { id, host, group, groupText, build } = started.record();
      const each = memoryBytes === null ? '' : `, ${inBytes(memoryBytes / slots)} each`;
      view.note(`Worker ${id} on ${host}: ${slots} ${slots === 1 ? 'job' : 'jobs'} at once${each}; Ctrl-C ends it`);
      view.note(`nas ${build}, group ${group}: ${groupText}`);
      if (tags.length > 0) view.note(`Tags: ${tags.join(', ')}`);
      if (modules) view.note('Code that comes with jobs is run here: users of the queue may use this machine');
      view.note(`Waiting for jobs at ${address.url}`);
      await untilStopped();
      view.note('Stopping: jobs write their checkpoints and are given back');
      await started.stop();
    } finally {
      view.close();
    }
  },
});
