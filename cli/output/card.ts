import { basename, isAbsolute, join } from 'node:path';
import { writeFileAtomic } from '../../base/files.js';
import { epochsText } from '../../base/number-text.js';
import { mainScores } from '../../base/scores.js';
import { classification } from '../../base/task.js';
import { shellWord } from '../../base/text.js';
import type { ExportTarget } from '../../deploy/card/use.js';
// Types only: the modules load TF.js.
import type { CardFacts } from '../../deploy/index.js';
import { collectProvenance } from '../../reports/index.js';
import { trainingExperimentOf } from '../../runner/stored/experiment.js';
import { storedImages, storedInputs } from '../../runner/inputs.js';
import type { Store } from '../../store/index.js';

/** A text without the folders of its paths, which are of this machine. */
const withoutFolders = (text: string): string => text.replace(/[^\s(]*\//g, '');

const origins = { nothing: 'random weights', weights: 'given weights', supernet: 'the supernet' } as const;

/** What a model card says of the images and the training of a run's trial. */
export function originOf(store: Store, workdir: string, trial: number): Required<Pick<CardFacts, 'data' | 'training'>> {
  const experiment = trainingExperimentOf(store, workdir);
  const { data, teacher, loss, search } = collectProvenance(store, experiment, undefined);
  const images = storedImages(workdir) ?? [];
  const counts = (['train', 'validation', 'test'] as const).map(
    (split) => `${images.filter((one) => one.split === split).length} ${split}`,
  );
  const final = store.finals.all().find((one) => one.trial === trial);
  const trained = final === undefined || final.epochs === 0 ? experiment.train : { epochs: final.epochs };
  const { optimizer, batch } = experiment.final ?? experiment.train;
  const from = final === undefined ? '' : `, from ${origins[final.from]}`;
  return {
    data: [
      ['images', withoutFolders(data)],
      ...(images.length === 0 ? [] : [['splits', counts.join(', ')] as const]),
      ['fingerprint', `\`${storedInputs(store.run.get(), workdir)['data'] ?? ''}\``],
    ],
    training: [
      ['length', `${epochsText(trained.epochs)}${from}`],
      ['recipe', `${optimizer.type}, batches of ${batch}, loss ${loss ?? ''}`],
      ['teacher', withoutFolders(teacher ?? 'none')],
      ['chosen by', search],
      ['seed', `${store.trials.get(trial)?.seed ?? experiment.seed}`],
    ],
  };
}

/** The options of `nas export` that a card names. */
interface CardOptions {
  readonly to: ExportTarget;
  readonly output: string;
  readonly trial: number | undefined;
  readonly precision: string;
  readonly weights: string;
  readonly calibrated: boolean;
  readonly decoded: boolean;
  readonly io: string;
  readonly rounding: string;
  readonly prefix: string;
  readonly license: string | undefined;
}

/** Writes the card of an export beside its files. @returns its accuracy, and int8's beside the float file's, as text */
export async function writeModelCard(
  directory: string,
  { to, io, decoded, license }: Pick<CardOptions, 'to' | 'io' | 'decoded' | 'license'>,
  facts: Omit<CardFacts, 'target' | 'hasBytes' | 'decoded' | 'license'>,
): Promise<readonly string[]> {
  const { int8Text, modelCard, renderCard, testedText } = await import('../../deploy/index.js');
  const card = modelCard({ target: to, hasBytes: io === 'int8', decoded, license, ...facts });
  writeFileAtomic(join(directory, 'README.md'), renderCard(card));
  const tested = testedText(facts);
  const title = mainScores[(facts.metadata.task ?? classification).type].title;
  return [...(tested === undefined ? [] : [`${title} ${tested}`]), ...[int8Text(facts) ?? []].flat()];
}

/** A path as a word of a shell, without the folders of this machine. */
const localName = (path: string): string => shellWord(isAbsolute(path) ? basename(path) : path);

/** The command line that exports again, without folders of this machine. */
export const againText = (
  what: string,
  { to, output, trial, precision, weights, calibrated, decoded, io, rounding, prefix, license }: CardOptions,
): string =>
  [
    `nas export ${localName(what)}`,
    ...(trial === undefined ? [] : [`--trial ${trial}`]),
    `--to ${to}`,
    ...(precision === 'auto' ? [] : [`--precision ${precision}`]),
    ...(weights === 'fp32' ? [] : [`--weights ${weights}`]),
    ...(calibrated ? ['--calibrated'] : []),
    ...(decoded ? ['--decoded'] : []),
    ...(io === 'float' ? [] : [`--io ${io}`]),
    ...(rounding === 'exact' ? [] : [`--rounding ${rounding}`]),
    ...(prefix === 'nas' ? [] : [`--prefix ${prefix}`]),
    ...(license === undefined ? [] : [`--license ${shellWord(license)}`]),
    `-o ${localName(output)}`,
  ].join(' ');
