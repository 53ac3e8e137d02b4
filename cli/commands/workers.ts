import { invalidInput } from '../../base/errors.js';
import type { QueueAddress } from '../../experiments/queue/connection.js';
import { command, jsonOption } from '../command.js';
import { json } from '../output/terminal.js';
import { queueAddressOf, queueOptions } from '../arguments/queue.js';

/** How long an unreachable server is retried, in ms. */
const patienceMs = 3000;

async function addressIn(file: string): Promise<QueueAddress> {
  const { loadExperiment } = await import('../../experiments/index.js');
  const { queueAddress } = await import('../../experiments/queue/connection.js');
  const { experiment } = loadExperiment(file, { checkFiles: false });
  if ('workers' in experiment && experiment.workers.type === 'queue') return queueAddress(experiment.workers);
  throw invalidInput(`${file}: its workers are processes of this machine; it names no queue`, {
    hint: 'workers: {type: queue, url: redis://10.0.0.5:6379} names one; or say --queue.',
  });
}

export const workers = command({
  usage: 'workers [yaml]',
  summary: 'List who works for a queue: machines, slots, what they do; and which runs wait for others, and why',
  examples: [
    ['workers --queue redis://10.0.0.5:6379', 'all workers of a queue server'],
    ['workers experiment.yaml', 'those of the queue that an experiment names'],
    ['workers --json', 'the same for programs, of the server that NAS_QUEUE names'],
  ],
  options: (yargs) =>
    queueOptions(
      yargs.positional('yaml', { type: 'string', describe: 'Experiment file whose workers are asked for' }),
    ).option('json', jsonOption),
  run: async ({ yaml, json: asJson, ...args }, { out, err, colors }) => {
    const address = yaml === undefined ? await queueAddressOf(args) : await addressIn(yaml);
    const { connectQueue } = await import('../../experiments/queue/connection.js');
    const { queueOverview } = await import('../../experiments/queue/registry.js');
    const connection = await connectQueue(address, { patienceMs });
    try {
      const overview = await queueOverview(connection);
      for (const warning of connection.warnings) err(`${warning}\n`);
      const { workersText } = await import('../output/runs.js');
      out(asJson ? json(overview) : workersText(overview, colors));
    } finally {
      await connection.close();
    }
  },
});
