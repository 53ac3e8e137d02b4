import type { Choice } from '../../spaces/index.js';
import { parseMap } from '../arguments/study.js';
import { command, jsonOption } from '../command.js';
import { json } from '../output/terminal.js';

export const enqueue = command({
  usage: 'enqueue <workdir>',
  summary: 'Have a run try a network next, also while it goes on',
  examples: [[`enqueue runs/mine --choices '{"width": 0.5}'`, 'the other decisions are drawn at random']],
  options: (yargs) =>
    yargs
      .positional('workdir', { type: 'string', demandOption: true, describe: "A run's folder" })
      .option('choices', { type: 'string', demandOption: true, describe: 'Choice of each decision, as JSON' })
      .option('name', { type: 'string', describe: 'Name in reports; default: a number' })
      .option('json', jsonOption),
  run: async ({ workdir, choices, name, json: asJson }, { out }) => {
    const { enqueueIn } = await import('../../runner/enqueue.js');
    // It checks every choice.
    const given = parseMap('--choices', choices) as Readonly<Record<string, Choice>>;
    const enqueued = await enqueueIn(workdir, given, name);
    const later = enqueued.planned ? '' : `; no trial is left for it: nas resume ${workdir} --trials +1`;
    out(asJson ? json(enqueued) : `${enqueued.name} is next: ${JSON.stringify(enqueued.choices)}${later}\n`);
  },
});
