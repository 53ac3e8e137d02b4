import { mainScores } from '../../base/scores.js';
import { classification, type TaskType } from '../../base/task.js';
import type { ModelMetadata } from '../metadata.js';
import { intervalOf, type CardScores } from './scores.js';
import type { ExportTarget } from './use.js';

export type Fact = readonly [name: string, value: string];

/** What the card of an exported model says. */
export interface CardFacts extends CardScores {
  readonly target: ExportTarget;
  /** Whether inputs and outputs are bytes. */
  readonly hasBytes: boolean;
  /** Whether the file of a detector gives boxes instead of maps. */
  readonly decoded: boolean;
  /** Identifier of a licence, as Hugging Face lists them. */
  readonly license?: string | undefined;
  /** The images that it learned from. */
  readonly data?: readonly Fact[] | undefined;
  readonly training?: readonly Fact[] | undefined;
  /** Commands that make the file again. */
  readonly commands: readonly string[];
}

/** What cards call a task: in the title, as a pipeline of Hugging Face, and its main score as Hugging Face names metrics. */
const names: { readonly [T in TaskType]: readonly [title: string, pipeline: string | undefined, metric: string] } = {
  classification: ['Image classifier', 'image-classification', 'accuracy'],
  'multi-label': ['Image classifier', 'image-classification', 'mean_average_precision'],
  regression: ['Image classifier', undefined, 'r_squared'],
  detection: ['Object detector', 'object-detection', 'ap50'],
  centroids: ['Object detector', 'object-detection', 'f1'],
  segmentation: ['Image segmenter', 'image-segmentation', 'mean_iou'],
};

const libraries: { readonly [T in ExportTarget]: string | undefined } = {
  onnx: 'onnx',
  web: 'onnx',
  tfjs: 'tf-keras',
  tflite: 'litert',
  c: undefined,
};

/** Whether the metadata say what the model answers: files of other programs have none. */
export const saysTask = ({ task, classes, nas_version: version }: Partial<ModelMetadata>): boolean =>
  task !== undefined || classes !== undefined || version !== undefined;

export function titleOf(metadata: Partial<ModelMetadata>): string {
  const { experiment, trial, task } = metadata;
  const kind = saysTask(metadata) ? names[task?.type ?? 'classification'][0] : 'Model';
  return `${experiment ?? kind}${trial === undefined ? '' : `, trial ${trial}`}`;
}

/** The metadata of a card, as Hugging Face reads them. */
export function frontOf({ target, metadata, license, tested }: CardFacts): Readonly<Record<string, unknown>> {
  const { task: { type } = classification, accuracy, precision, experiment = 'images' } = metadata;
  const [, known, metric] = names[type];
  const pipeline = saysTask(metadata) ? known : undefined;
  const [library, score] = [libraries[target], accuracy?.test];
  return {
    ...(license !== undefined && { license }),
    ...(library !== undefined && { library_name: library }),
    ...(pipeline !== undefined && { pipeline_tag: pipeline }),
    tags: ['nas', target, ...(precision === undefined ? [] : [precision])],
    ...(score !== undefined && {
      metrics: [metric],
      'model-index': [
        {
          name: titleOf(metadata),
          results: [
            {
              task: { type: pipeline ?? 'image-regression' },
              dataset: { name: experiment, type: experiment, split: 'test' },
              metrics: [
                {
                  type: metric,
                  value: score,
                  name: `test ${mainScores[type].title}`,
                  ...(tested && { args: { interval_95: intervalOf(score, tested) } }),
                },
              ],
            },
          ],
        },
      ],
    }),
  };
}
