import { loadWithSpace } from '../arguments/space.js';
import type { TrainingExperiment } from '../../experiments/index.js';
import { command, jsonOption, setOption, flag } from '../command.js';
import type { StageUse } from '../../runner/index.js';
import { defaultWorkdir } from '../../runner/stored/workdir.js';
import { json, renderTable, type Column, numeric } from '../output/terminal.js';
import { watch } from '../watch-run.js';

/** Numbers of layers of the largest network by the weights that they take from `train.from`. */
const uses: readonly Column<StageUse>[] = [
  { title: 'stage', cell: ({ stage }) => stage },
  numeric('taken whole', ({ whole }) => String(whole)),
  numeric('cut', ({ cut }) => String(cut)),
  numeric('grown', ({ grown }) => String(grown)),
  numeric('random', ({ random }) => String(random)),
  numeric('unused in the file', ({ unused }) => String(unused)),
];

/** The least number of steps, which makes more epochs of few images. */
const leastSteps = ({ search, train }: TrainingExperiment): string =>
  train.steps === undefined || search.evaluate === 'supernet'
    ? ''
    : ` (more where the images make fewer than ${train.steps} steps)`;

export const validate = command({
  usage: 'validate <yaml>',
  summary: 'Check all that nas run checks before its first training',
  examples: [
    ['validate experiment.yaml', 'every mistake with its line, what was written and what is allowed'],
    ['validate experiment.yaml --quick', 'for a run elsewhere: reads no images, tries no device and no queue'],
    ['validate experiment.yaml --set train.epochs=3 --json', 'the experiment with all defaults'],
  ],
  options: (yargs) =>
    yargs
      .positional('yaml', { type: 'string', demandOption: true, describe: 'Experiment file' })
      .option('set', setOption)
      .option(
        'quick',
        flag('Read no images (they are converted once, into the cache), and try no engine, device or queue'),
      )
      .option('json', jsonOption),
  run: async ({ yaml, set, quick, json: asJson }, terminal) => {
    const { out, colors } = terminal;
    const valid = await loadWithSpace(yaml, set);
    const { experiment, space, size } = valid;
    const { locatingIn } = await import('../../experiments/index.js');
    const { checkTrainings, draftRun, requireKnownProviders, startOfSearch } = await import('../../runner/index.js');
    const locating = locatingIn(valid.loaded);
    // Without reading the images: mistakes in the file are reported at once.
    if (valid.kind === 'training') {
      await requireKnownProviders(valid.experiment, locating);
      await checkTrainings(valid.experiment, valid.classes, locating);
    }
    const { name, objectives, search, seed } = experiment;
    const networks = valid.kind === 'table' ? null : { space: valid.space, task: valid.task };
    await startOfSearch({ search, objectives, seed, space, networks }, locating);
    if (!quick) {
      const { jobQueue } = await import('../../workers/index.js');
      const workdir = defaultWorkdir(name);
      await watch((observe, signal) => draftRun(valid.loaded, { workdir, queue: jobQueue, signal }, observe), terminal);
    }
    if (asJson) {
      out(json(experiment));
      return;
    }
    const { evaluationText } = await import('../../reports/index.js');
    const each =
      valid.kind === 'training'
        ? `${evaluationText(valid.experiment)}${leastSteps(valid.experiment)}`
        : { table: 'in a table', study: 'by ask and tell' }[valid.kind];
    const goals = objectives.map(({ name: goal, direction }) => `${direction} ${goal}`).join(', ');
    out(`${colors.green('valid')}: ${name}: ${search.trials} trials ${each} among ${size} networks; ${goals}\n`);
    if (valid.kind === 'training' && valid.initial !== null)
      out(`${valid.initial.note}\n\n${renderTable(uses, valid.initial.stages, colors)}`);
  },
});
