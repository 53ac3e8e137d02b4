import { invalidInput } from '../../base/errors.js';
import type { Values } from '../../search/index.js';
import { parseMap, studyArgument, withStudy } from '../arguments/study.js';
import { wholeNumber } from '../arguments/values.js';
import { command, setOption } from '../command.js';

export const tell = command({
  usage: 'tell <study> <trial>',
  summary: 'Tell a study the values of a network that it was asked for',
  examples: [
    [`tell runs/mine 7 --values '{"accuracy": 0.91}'`, 'the values of all objectives that nas does not compute'],
    [`tell runs/mine 8 --failed 'out of memory'`, 'it has none'],
  ],
  options: (yargs) =>
    yargs
      .positional('study', studyArgument)
      .positional('trial', { type: 'number', demandOption: true, describe: 'Number of the trial, from nas ask' })
      .option('values', { type: 'string', describe: 'Values by objective, as JSON' })
      .option('failed', { type: 'string', describe: 'Why the network has no values' })
      .option('workdir', { type: 'string', describe: 'Folder of the study of a file; default runs/<name>' })
      .option('set', setOption)
      .check(({ values, failed }) => {
        if ((values === undefined) === (failed === undefined)) throw invalidInput('expected --values or --failed');
        return true;
      }),
  run: async ({ trial, values, failed, ...args }, { out }) => {
    // The study checks every value.
    const result = failed === undefined ? (parseMap('--values', values ?? '') as Values) : { failed };
    await withStudy(args, false, async (study) => {
      await study.tell(wholeNumber('<trial>', trial, 0), result);
      const pending = (await study.pending()).length;
      const { asked, of } = await study.progress();
      out(`trial ${trial} is told: ${asked} of ${of} asked, ${pending} pending\n`);
    });
  },
});
