import { acceptDataOption, acceptEnvironmentOption, command, jsonOption, uiOption, workersOption } from '../command.js';
import { withPage } from '../page-process.js';
import { watchRun } from '../watch-run.js';

export const resume = command({
  usage: 'resume <workdir>',
  summary: 'Continue an interrupted run; the result is that of a run that was never interrupted',
  examples: [
    ['resume runs/quickstart', 'keeps finished trials, continues the others from their checkpoints'],
    ['resume runs/quickstart --trials +20', '20 more trials, with the result of a longer search from the start'],
    ['resume runs/quickstart --workers redis://10.0.0.5:6379', 'continues with workers of a queue'],
  ],
  options: (yargs) =>
    yargs
      .positional('workdir', { type: 'string', demandOption: true, describe: "A run's folder" })
      .option('trials', {
        type: 'string',
        describe: 'Total number of trials, or additional ones: +20; also for a complete run',
      })
      .option('accept-environment', acceptEnvironmentOption)
      .option('accept-data', acceptDataOption)
      .option('data', { type: 'string', describe: 'Where the same images are now; default: where they were' })
      .option('workers', workersOption)
      .option('ui', uiOption)
      .option('json', { ...jsonOption, describe: "Print the report's data as JSON at the end" }),
  run: async ({ workdir, trials, workers, acceptEnvironment, acceptData, data, ui, json }, terminal) => {
    const { resume: go } = await import('../../api/run.js');
    await withPage(ui ? workdir : undefined, terminal, () =>
      watchRun(
        async (event, signal) =>
          (await go(workdir, { trials, workers, acceptEnvironment, acceptData, data, signal, on: { event } })).result,
        terminal,
        json,
      ),
    );
  },
});
