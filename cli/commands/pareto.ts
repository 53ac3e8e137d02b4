import { invalidInput } from '../../base/errors.js';
import { writeFileAtomic } from '../../base/files.js';
import { collectFrontier, collectPictures, collectReport, toCsv } from '../../reports/index.js';
import { objectivesOf } from '../../runner/stored/experiment.js';
import type { Store } from '../../store/index.js';
import { generationText } from '../../runner/stored/generation.js';
import { command, jsonOption } from '../command.js';
import { withRun } from '../open-run.js';
import { type Colors, json } from '../output/terminal.js';
import { frontierTable } from '../output/trials.js';

const formats = ['table', 'csv', 'json', 'svg', 'html'] as const;
type Format = (typeof formats)[number];

async function picture(store: Store): Promise<string> {
  const data = await collectReport(store);
  if (data.frontier.length === 0) throw invalidInput('there is no frontier to draw: no trial is complete yet');
  const { renderFrontier } = await import('../../ui/index.js');
  return renderFrontier(data);
}

async function page(store: Store): Promise<string> {
  const { renderPage } = await import('../../ui/index.js');
  const data = await collectReport(store);
  return renderPage(data, await collectPictures(data));
}

const print: { readonly [F in Format]: (store: Store, colors: Colors, workdir: string) => string | Promise<string> } = {
  table: (store, colors, workdir) => frontierTable(store, workdir, colors),
  csv: (store) => toCsv(collectFrontier(store), objectivesOf(store)),
  json: async (store) => json(await collectReport(store)),
  svg: picture,
  html: page,
};

export const pareto = command({
  usage: 'pareto <workdir>',
  summary: 'Show the Pareto frontier of a run as a table, a chart or a page',
  examples: [
    ['pareto runs/quickstart', 'a table'],
    ['pareto runs/quickstart --format svg -o frontier.svg', 'a chart'],
    ['pareto runs/quickstart --format json', 'the data of the report'],
  ],
  options: (yargs) =>
    yargs
      .positional('workdir', { type: 'string', demandOption: true, describe: "A run's folder" })
      .option('format', { choices: formats, default: 'table' as const, describe: 'How to show it' })
      .option('json', { ...jsonOption, describe: 'The same as --format json' })
      .option('output', { alias: 'o', type: 'string', describe: 'Write to this file instead of printing' }),
  run: ({ workdir, format, json: asJson, output }, { out, err, colors }) =>
    withRun(workdir, async (store) => {
      const results = generationText(store);
      if (results !== undefined) err(`${results}\n`);
      const text = await print[asJson ? 'json' : format](store, colors, workdir);
      if (output === undefined) out(text);
      else {
        writeFileAtomic(output, text);
        err(`wrote ${output}\n`);
      }
    }),
});
