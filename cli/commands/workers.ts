import { statSync } from 'node:fs';
import { invalidInput } from '../../base/errors.js';
import type { QueueConfig } from '../../experiments/schema/workers.js';
import { command, jsonOption } from '../command.js';
import { json } from '../output/terminal.js';
import { withRun } from '../open-run.js';
import { queueAddressOf, queueOptions } from '../arguments/queue.js';

/** How long an unreachable server is retried, in ms. */
const patienceMs = 3000;

/** The queue of an experiment file or of a run, and the run. */
async function queueOf(source: string) {
  const { loadExperiment } = await import('../../experiments/index.js');
  const { experimentOf } = await import('../../runner/stored/experiment.js');
  const { runId } = await import('../../workers/registry.js');
  const { experiment, run } = statSync(source, { throwIfNoEntry: false })?.isDirectory()
    ? await withRun(source, (store) => ({
        experiment: experimentOf(store),
        run: { run: runId(store), workdir: source },
      }))
    : { ...loadExperiment(source, { checkFiles: false }), run: undefined };
  if ('workers' in experiment && experiment.workers.type === 'queue') return { config: experiment.workers, run };
  throw invalidInput(`${source}: its workers are processes of this machine; it names no queue`, {
    hint: 'workers: {type: queue, url: redis://10.0.0.5:6379} names one; or say --queue.',
  });
}

/** The shared folder that `--clean` is asked for. */
function sharedFolder(source: string | undefined, config: QueueConfig | undefined): string {
  if (config?.artifacts.type === 'folder') return config.artifacts.path;
  throw invalidInput(
    `--clean ${source ?? ''}: expected an experiment or a workdir with workers.artifacts.type folder`,
    {
      hint: 'Without a shared folder, files of a run are in its workdir only.',
    },
  );
}

export const workers = command({
  usage: 'workers [source]',
  summary: 'List who works for a queue: machines, slots, what they do; and which runs wait for others, and why',
  examples: [
    ['workers --queue redis://10.0.0.5:6379', 'all workers of a queue server'],
    ['workers experiment.yaml', 'those of the queue that an experiment names'],
    ['workers --json', 'the same for programs, of the server that NAS_QUEUE names'],
    ['workers experiment.yaml --clean', 'remove from its shared folder what runs have left that are complete or gone'],
    [
      'workers runs/first --clean',
      'remove what this run has left there; nas resume then begins its open trainings anew',
    ],
  ],
  options: (yargs) =>
    queueOptions(
      yargs.positional('source', { type: 'string', describe: 'Experiment file, or workdir of a run, with the queue' }),
    )
      .option('clean', {
        type: 'boolean',
        default: false,
        describe: 'Remove files that runs have left in the shared folder of workers.artifacts',
      })
      .option('json', jsonOption),
  run: async ({ source, clean, json: asJson, ...args }, { out, err, colors }) => {
    const { connectQueue, queueAddress } = await import('../../workers/connection.js');
    const found = source === undefined ? undefined : await queueOf(source);
    const shared = clean ? sharedFolder(source, found?.config) : null;
    const address = found === undefined ? await queueAddressOf(args) : queueAddress(found.config);
    const connection = await connectQueue(address, { patienceMs });
    try {
      for (const warning of connection.warnings) err(`${warning}\n`);
      const { foldersText, workersText } = await import('../output/runs.js');
      if (shared !== null) {
        const { cleanShared } = await import('../../workers/artifacts/shared-folders.js');
        const folders = await cleanShared(connection, shared, found?.run);
        out(asJson ? json({ folders }) : foldersText(shared, folders, colors));
        return;
      }
      const { queueOverview } = await import('../../workers/registry.js');
      const overview = await queueOverview(connection);
      out(asJson ? json(overview) : workersText(overview, colors));
    } finally {
      await connection.close();
    }
  },
});
