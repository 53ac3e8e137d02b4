import { drawReport } from '../../api/report.js';
import { invalidInput } from '../../base/errors.js';
import { counted } from '../../base/text.js';
import type { RunEvent } from '../../runner/events.js';
import { command, jsonOption, listOption } from '../command.js';
import { isWorkedIn } from '../../store/index.js';
import { withRun } from '../open-run.js';
import { json, printable, renderTable } from '../output/terminal.js';

/** Rewrites the report of a run that has one. @returns the end of the message: when the report has the note */
async function renewReport(workdir: string, err: (text: string) => void): Promise<string> {
  const { hasReport } = await import('../../runner/stored/notes.js');
  if (!hasReport(workdir)) return '';
  // The process that works on the run writes the report at its end.
  if (isWorkedIn(workdir)) return '; report.html has it when the run ends';
  const { writeReport } = await import('../../runner/report.js');
  const warn = (event: RunEvent): void => {
    if (event.kind === 'warning') err(`warning: ${event.message}\n`);
  };
  const files = await withRun(workdir, (store) => writeReport(store, workdir, drawReport, warn));
  return files.length === 0 ? '' : '; report.html has it';
}

export const note = command({
  usage: 'note <workdir> [text]',
  summary: 'Write a note or tags on a run or a trial, or list them',
  examples: [
    ['note runs/mine "second try, with more augmentation"', 'on the run; "" removes it'],
    ['note runs/mine "good on blurred images" --trial 7 --tag candidate', 'on a trial'],
    ['note runs/mine --trial 7 --untag candidate', 'removes a tag'],
    ['note runs/mine', 'lists all notes'],
  ],
  options: (yargs) =>
    yargs
      .positional('workdir', { type: 'string', demandOption: true, describe: "A run's folder" })
      .positional('text', { type: 'string', describe: 'Replaces the note' })
      .option('trial', { type: 'number', describe: 'Number of a trial; default: the run itself' })
      .option('tag', { ...listOption, describe: 'Adds a tag; may be repeated' })
      .option('untag', { ...listOption, describe: 'Removes a tag; may be repeated' })
      .option('json', { ...jsonOption, describe: 'Print all notes as JSON' }),
  run: async ({ workdir, text, trial, tag, untag, json: asJson }, { out, err, colors }) => {
    const { noteChange, noteIn, readNotes } = await import('../../runner/stored/notes.js');
    const isChange = text !== undefined || tag.length > 0 || untag.length > 0;
    if (!isChange && trial !== undefined)
      throw invalidInput('--trial: give the text of the note, or --tag, or --untag', {
        hint: `nas show ${workdir} ${trial} shows the note of a trial.`,
      });
    if (isChange) {
      const change = { trial: trial ?? null, ...(text !== undefined && { text }), add: tag, remove: untag };
      const { data, error } = noteChange.safeParse(change);
      const [problem] = error?.issues ?? [];
      if (data === undefined) {
        const value: unknown = problem.path.reduce<unknown>(
          (inside, key) => (inside as Record<PropertyKey, unknown>)[key],
          change,
        );
        throw invalidInput(`the note is invalid: ${problem.message}; got ${JSON.stringify(value)}`);
      }
      noteIn(workdir, data);
    } else await withRun(workdir, () => undefined);
    const report = isChange ? await renewReport(workdir, err) : '';
    const { notes, damaged } = readNotes(workdir);
    if (damaged > 0) err(`warning: left out of the notes in ${workdir}: ${counted(damaged, 'damaged line')}\n`);
    if (asJson) out(json({ notes, damaged }));
    else if (isChange) err(`noted in ${workdir}${report}\n`);
    else if (notes.length === 0) out('There are no notes.\n');
    else
      out(
        renderTable(
          [
            { title: 'about', cell: (one) => (one.trial === null ? 'the run' : `trial ${one.trial}`) },
            { title: 'tags', cell: ({ tags }) => tags.join(' ') },
            { title: 'note', cell: ({ text: own }) => printable(own.replaceAll(/\s+/g, ' ')) },
          ],
          notes,
          colors,
        ),
      );
  },
});
