import { join } from 'node:path';
import { shellWord } from '../../../../base/shell-word.js';
import { storedPrecisions } from '../../../../store/values.js';
import { isTableExperiment } from '../../../kinds.js';
import type { TrialAnswer } from '../../../page/api.js';
import type { Experiment } from '../../../schema.js';
import type { ReportMember } from '../../data.js';

type Command = TrialAnswer['commands'][number];

const line = (...words: readonly (string | number)[]): string =>
  ['nas', ...words].map((word) => shellWord(String(word))).join(' ');

/**
 * Command lines that do something with a trial's network. Nothing can be done with the rows of a table, and what a module
 * of the user's trained, it keeps itself.
 * @param workdir absolute.
 */
export function commandsFor(
  { number, state, choices }: Pick<ReportMember, 'number' | 'state' | 'choices'>,
  workdir: string,
  experiment: Experiment,
): Command[] {
  if (isTableExperiment(experiment) || Object.keys(choices).length === 0) return [];
  const { data, evaluate } = experiment;
  const measure = line('latency', 'measure', workdir, number, '--profile');
  const measuring = { title: 'Measure its latency here, and the time of each layer', line: measure };
  if (state !== 'complete' || evaluate !== undefined) return [measuring];
  const folder = join('models', `trial-${number}`);
  const from = data.path === undefined ? data.type : `${data.type}:${data.path}`;
  return [
    ...storedPrecisions.map((precision): Command => {
      const words = ['export', workdir, '--trial', number, '--to', 'onnx', '--precision', precision] as const;
      return { title: `Export it as ONNX in ${precision}`, line: line(...words, '-o', `${folder}.${precision}`) };
    }),
    {
      title: 'Evaluate the exported model on the test images',
      line: line('evaluate', join(`${folder}.fp32`, 'model.onnx'), '--data', from),
    },
    measuring,
  ];
}
