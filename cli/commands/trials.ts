import { collectFinals, collectTrials, decisionNames, objectivesOf, toCsv } from '../../experiments/report/index.js';
import { command, jsonOption } from '../command.js';
import { withRun } from '../open-run.js';
import { json, renderTable } from '../output/table.js';
import {
  decisionColumns,
  finalColumns,
  numberColumn,
  objectiveColumns,
  reasonColumn,
  stateColumn,
} from '../output/trials.js';

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
      .option('json', { ...jsonOption, describe: 'The same as --format json' }),
  run: ({ workdir, format, json: asJson }, { out, colors }) =>
    withRun(workdir, (store) => {
      const all = collectTrials(store);
      const objectives = objectivesOf(store);
      const print = {
        json: () => json(all),
        csv: () => toCsv(all, objectives),
        table: () =>
          renderTable(
            [
              numberColumn,
              stateColumn(colors),
              ...objectiveColumns(objectives, colors),
              ...finalColumns(collectFinals(store), colors),
              ...reasonColumn(all),
              ...decisionColumns(decisionNames(all)),
            ],
            all,
            colors,
          ),
      };
      out(print[asJson ? 'json' : format]());
    }),
});
