import { acceptEnvironmentOption, command, jsonOption, uiOption, workersOption } from '../command.js';
import { drawReport, watchRun } from '../watch-run.js';
import { withPage } from '../page-process.js';

export const resume = command({
  usage: 'resume <workdir>',
  summary: 'Continue an interrupted run; the result is that of a run that was never interrupted',
  examples: [
    ['resume runs/quickstart', 'finished trials stay, the others go on from their checkpoints'],
    ['resume runs/quickstart --trials +20', 'a longer search, as if it had been asked for at first'],
    ['resume runs/quickstart --workers redis://10.0.0.5:6379', 'from here on with the workers of many machines'],
  ],
  options: (yargs) =>
    yargs
      .positional('workdir', { type: 'string', demandOption: true, describe: "A run's folder" })
      .option('trials', { type: 'string', describe: 'Trials in all, or further ones: +20; also of a complete run' })
      .option('accept-environment', acceptEnvironmentOption)
      .option('workers', workersOption)
      .option('ui', uiOption)
      .option('json', { ...jsonOption, describe: "Print the report's data as JSON at the end" }),
  run: async ({ workdir, trials, workers, acceptEnvironment, ui, json }, terminal) => {
    const { resumeExperiment } = await import('../../experiments/index.js');
    const options = {
      acceptEnvironment,
      report: drawReport,
      ...(trials !== undefined && { trials }),
      ...(workers !== undefined && { workersAt: workers }),
    };
    await withPage(ui ? workdir : undefined, terminal, () =>
      watchRun((observe, signal) => resumeExperiment(workdir, { ...options, signal }, observe), terminal, json),
    );
  },
});
