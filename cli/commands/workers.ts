import { statSync } from 'node:fs';
import { invalidInput } from '../../base/errors.js';
import type { QueueConfig } from '../../experiments/schema/workers.js';
import { command, jsonOption } from '../command.js';
import { json } from '../output/terminal.js';
import { withRun } from '../open-run.js';
import { queueAddressOf, queueOptions } from '../arguments/queue.js';

/** How long an unreachable server is retried, in ms. */
const patienceMs = 3000;

/** The queue of an experiment file or of a run. */
async function queueOf(source: string): Promise<QueueConfig> {
  const { loadExperiment } = await import('../../experiments/index.js');
  const { experimentOf } = await import('../../runner/stored/experiment.js');
  const experiment = statSync(source, { throwIfNoEntry: false })?.isDirectory()
    ? await withRun(source, experimentOf)
    : loadExperiment(source, { checkFiles: false }).experiment;
  if ('workers' in experiment && experiment.workers.type === 'queue') return experiment.workers;
  throw invalidInput(`${source}: its workers are processes of this machine; it names no queue`, {
    hint: 'workers: {type: queue, url: redis://10.0.0.5:6379} names one; or say --queue.',
  });
}

export const workers = command({
  usage: 'workers [source]',
  summary: 'List who works for a queue: machines, slots, what they do; and which runs wait for others, and why',
  examples: [
    ['workers --queue redis://10.0.0.5:6379', 'all workers of a queue server'],
    ['workers experiment.yaml', 'those of the queue that an experiment names'],
    ['workers --json', 'the same for programs, of the server that NAS_QUEUE names'],
  ],
  options: (yargs) =>
    queueOptions(
      yargs.positional('source', { type: 'string', describe: 'Experiment file, or workdir of a run, with the queue' }),
    ).option('json', jsonOption),
  run: async ({ source, json: asJson, ...args }, { out, err, colors }) => {
    const { connectQueue, queueAddress } = await import('../../workers/connection.js');
    const address = source === undefined ? await queueAddressOf(args) : queueAddress(await queueOf(source));
    const connection = await connectQueue(address, { patienceMs });
    try {
      for (const warning of connection.warnings) err(`${warning}\n`);
      const { workersText } = await import('../output/runs.js');
      const { queueOverview } = await import('../../workers/registry.js');
      const overview = await queueOverview(connection);
      out(asJson ? json(overview) : workersText(overview, colors));
    } finally {
      await connection.close();
    }
  },
});
