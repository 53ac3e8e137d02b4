import { acceptEnvironmentOption, command, jsonOption } from '../command.js';
import { watchRun } from '../watch-run.js';

export const resume = command({
  usage: 'resume <workdir>',
  summary: 'Continue an interrupted run; the result is that of a run that was never interrupted',
  examples: [['resume runs/quickstart', 'finished trials stay, the others go on from their checkpoints']],
  options: (yargs) =>
    yargs
      .positional('workdir', { type: 'string', demandOption: true, describe: "A run's folder" })
      .option('accept-environment', acceptEnvironmentOption)
      .option('json', { ...jsonOption, describe: "Print the report's data as JSON at the end" }),
  run: async ({ workdir, acceptEnvironment, json }, terminal) => {
    const { resumeExperiment } = await import('../../experiments/index.js');
    await watchRun(
      (observe, signal) => resumeExperiment(workdir, { acceptEnvironment, signal }, observe),
      terminal,
      json,
    );
  },
});
