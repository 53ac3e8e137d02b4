import { invalidInput } from '../../base/errors.js';
import { collectFinals, collectTrials, decisionNames, toCsv } from '../../reports/index.js';
import { experimentOf, objectivesOf, taskOfRun } from '../../runner/stored/experiment.js';
import type { Objective } from '../../search/index.js';
import { storedPrecisions, trialStates, type TrialQuery, type TrialState } from '../../store/index.js';
import { wholeNumber } from '../arguments/values.js';
import { generationText } from '../../runner/stored/generation.js';
import { command, jsonOption } from '../command.js';
import { withRun } from '../open-run.js';
import { json, renderTable } from '../output/terminal.js';
import {
  decisionColumns,
  finalColumns,
  hostColumn,
  noteColumns,
  numberColumn,
  objectiveColumns,
  precisionColumn,
  reasonColumn,
  stateColumn,
} from '../output/trials.js';

/** Default number of rows in a table. */
const tableRows = 500;

function sorted(name: string | undefined, objectives: readonly Objective[]): Pick<TrialQuery, 'sort'> {
  if (name === undefined) return {};
  const objective = objectives.find((each) => each.name === name);
  if (objective === undefined)
    throw invalidInput(`--sort ${name}: there is no such objective`, {
      hint: `There are ${objectives.map((each) => each.name).join(', ')}.`,
    });
  return { sort: { objective: name, descending: objective.direction === 'maximize' } };
}

export const trials = command({
  usage: 'trials <workdir>',
  summary: "List a run's trials with their decisions and objectives",
  examples: [
    ['trials runs/quickstart', 'a table'],
    ['trials runs/quickstart --format csv > trials.csv', 'one column a decision and an objective'],
  ],
  options: (yargs) =>
    yargs
      .positional('workdir', { type: 'string', demandOption: true, describe: "A run's folder" })
      .option('format', {
        choices: ['table', 'csv', 'json'] as const,
        default: 'table' as const,
        describe: 'How to print',
      })
      .option('state', {
        choices: trialStates,
        array: true,
        nargs: 1,
        default: [] as TrialState[],
        describe: 'Only trials in this state',
      })
      .option('precision', {
        choices: storedPrecisions,
        describe: 'Only trials with this chosen precision, in runs that try both',
      })
      .option('sort', { type: 'string', describe: 'Objective to sort by, best first' })
      .option('limit', {
        type: 'number',
        describe: `Maximum number of trials, 0: all; default ${tableRows} in a table`,
      })
      .option('offset', { type: 'number', default: 0, describe: 'Number of trials to skip' })
      .option('json', { ...jsonOption, describe: 'The same as --format json' }),
  run: ({ workdir, format, json: asJson, limit, offset, precision, sort, state }, { out, err, colors }) =>
    withRun(workdir, (store) => {
      const objectives = objectivesOf(store);
      const shape = asJson ? 'json' : format;
      const states: readonly TrialState[] = state.length === 0 ? trialStates : state;
      const most = limit ?? (shape === 'table' ? tableRows : 0);
      wholeNumber('--limit', most, 0);
      wholeNumber('--offset', offset, 0);
      const which = { states, ...(precision === undefined ? {} : { precision }) };
      const page = { ...which, offset, ...(most === 0 ? {} : { limit: most }), ...sorted(sort, objectives) };
      const all = collectTrials(store, page);
      const there = store.trials.count(which);
      const print = {
        json: () => json(all),
        csv: () => toCsv(all, objectives),
        table: () =>
          renderTable(
            [
              numberColumn,
              stateColumn(colors, store.run.state().status === 'running'),
              ...precisionColumn(all),
              ...objectiveColumns(objectives, colors),
              ...finalColumns(taskOfRun(experimentOf(store)), collectFinals(store), objectives, colors),
              ...hostColumn(all),
              ...reasonColumn(all),
              ...noteColumns(all),
              ...decisionColumns(decisionNames(all)),
            ],
            all,
            colors,
          ),
      };
      out(print[shape]());
      const results = generationText(store);
      if (results !== undefined) err(`${results}\n`);
      const next = offset + all.length;
      if (all.length < there)
        err(
          `${all.length} of ${there} trials; --limit 0 lists all${next < there ? `, --offset ${next} what follows` : ''}\n`,
        );
    }),
});
