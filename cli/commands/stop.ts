import { command } from '../command.js';

export const stop = command({
  usage: 'stop <workdir>',
  summary: 'Have a run in another process write its checkpoints and stop, as Ctrl-C there',
  examples: [['stop runs/mine', 'nas resume runs/mine continues it']],
  options: (yargs) => yargs.positional('workdir', { type: 'string', demandOption: true, describe: "A run's folder" }),
  run: async ({ workdir }, { out }) => {
    const { requestStop } = await import('../../runner/stop.js');
    requestStop(workdir);
    out(`The run is asked to stop; nas resume ${workdir} continues it\n`);
  },
});
