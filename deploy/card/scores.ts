import { intervalAround, shareCertainty, type Interval } from '../../base/certainty.js';
import { mainScores, scoreChange, scoreError, scoreText, type Details } from '../../base/scores.js';
import { sum } from '../../base/statistics.js';
import { classification } from '../../base/task.js';
import { counted } from '../../base/text.js';
import type { ModelMetadata } from '../metadata.js';

export type Accuracy = NonNullable<ModelMetadata['accuracy']>;

/** The results of an exported model. */
export interface CardScores {
  readonly metadata: Partial<ModelMetadata>;
  /** Results of the test images by class; absent where they are not known. */
  readonly tested?: Details | undefined;
  /** Scores of the float32 file, beside an int8 one. */
  readonly float?: Accuracy | undefined;
}

/** Number of images of results; undefined where they do not say it. */
function imagesOf(details: Details | undefined): number | undefined {
  return details?.type === 'classification' ? sum(details.confusion.map(sum)) : undefined;
}

/** The 95 % interval of the main score; undefined where it is not known. */
export function intervalOf(score: number, details: Details): Interval | undefined {
  const images = imagesOf(details);
  if (images !== undefined) return shareCertainty(score, images).interval;
  const error = scoreError(details);
  return error === undefined ? undefined : intervalAround(score, error);
}

/** `86.50 % (95 % interval 84.1 % to 88.5 %) of 1,000 test images`. */
export function testedText({ metadata, tested }: CardScores): string | undefined {
  const { accuracy: { test, validation } = {}, task = classification } = metadata;
  const score = test ?? validation;
  if (score === undefined) return undefined;
  if (test === undefined) return `${scoreText(task.type, score)} of the validation images`;
  const images = imagesOf(tested);
  const interval =
    tested &&
    intervalOf(test, tested)
      ?.map((end) => scoreText(task.type, end))
      .join(' to ');
  const sure = interval === undefined ? '' : ` (95 % interval ${interval})`;
  return `${scoreText(task.type, test)}${sure} of ${images === undefined ? 'the test images' : counted(images, 'test image')}`;
}

/** `int8 loses 2.1 points`: an int8 file against its float32 one. */
export function int8Text({ metadata, float }: CardScores): string | undefined {
  const { accuracy, task = classification } = metadata;
  const split = (['test', 'validation'] as const).find(
    (one) => accuracy?.[one] !== undefined && float?.[one] !== undefined,
  );
  if (split === undefined) return undefined;
  const [int8, fp32] = [accuracy?.[split] ?? 0, float?.[split] ?? 0];
  const { title } = mainScores[task.type];
  return `int8 has ${scoreText(task.type, int8)} of ${split} ${title}, float32 ${scoreText(task.type, fp32)} (${scoreChange(task.type, int8 - fp32)})`;
}
