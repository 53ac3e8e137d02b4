import { defaultWorkdir } from '../../runner/stored/workdir.js';
import {
  acceptDataOption,
  acceptEnvironmentOption,
  command,
  jsonOption,
  setOption,
  uiOption,
  workersOption,
  flag,
} from '../command.js';
import { withPage } from '../page-process.js';
import { watchRun } from '../watch-run.js';

export const run = command({
  usage: 'run <yaml>',
  summary: 'Search, from the data to a Pareto frontier of trained networks',
  examples: [
    ['run experiment.yaml', 'results in runs/<name>; continues an unfinished run of the same experiment'],
    ['run experiment.yaml --set search.trials=5 --set train.epochs=1', 'a shorter search'],
    ['run experiment.yaml --minutes 30', 'as many trials, and trainings as long, as 30 minutes have time for'],
    ['run experiment.yaml --workdir /data/search --fresh', 'another folder; deletes an earlier run there'],
    ['run experiment.yaml --ui', 'and watch it in a browser'],
    ['run experiment.yaml --workers redis://10.0.0.5:6379', 'with workers of a queue: nas worker'],
  ],
  options: (yargs) =>
    yargs
      .positional('yaml', { type: 'string', demandOption: true, describe: 'Experiment file' })
      .option('workdir', { type: 'string', describe: 'Folder of the results; default runs/<name>' })
      .option('minutes', {
        type: 'number',
        describe: 'Minutes of work in which the run ends: the same as --set budget.minutes=...',
      })
      .option('set', setOption)
      .option('fresh', flag('Delete an earlier run in the workdir'))
      .option('accept-environment', acceptEnvironmentOption)
      .option('accept-data', acceptDataOption)
      .option('workers', workersOption)
      .option('ui', uiOption)
      .option('json', { ...jsonOption, describe: "Print the report's data as JSON at the end" }),
  run: async (
    { yaml, workdir, minutes, set: given, workers, fresh, acceptEnvironment, acceptData, ui, json },
    terminal,
  ) => {
    const { loadExperiment } = await import('../../experiments/parse/load.js');
    const { run: start } = await import('../../api/run.js');
    const set = [...given, ...(minutes === undefined ? [] : [`budget.minutes=${minutes}`])];
    const loaded = loadExperiment(yaml, { set, ...(workers !== undefined && { workers }) });
    const shown = ui ? (workdir ?? defaultWorkdir(loaded.experiment.name)) : undefined;
    await withPage(shown, terminal, () =>
      watchRun(
        async (event, signal) =>
          (await start(loaded, { workdir, fresh, acceptEnvironment, acceptData, signal, on: { event } })).result,
        terminal,
        json,
      ),
    );
  },
});
