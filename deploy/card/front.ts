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

const pipelines: { readonly [T in TaskType]: string | undefined } = {
  classification: 'image-classification',
  'multi-label': 'image-classification',
  regression: undefined,
  detection: 'object-detection',
  centroids: 'object-detection',
  segmentation: 'image-segmentation',
};

/** The main score as Hugging Face names metrics. */
const metricNames: { readonly [T in TaskType]: string } = {
  classification: 'accuracy',
  'multi-label': 'mean_average_precision',
  regression: 'r_squared',
  detection: 'ap50',
  centroids: 'f1',
  segmentation: 'mean_iou',
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

const titles: { readonly [T in TaskType]: string } = {
  classification: 'Image classifier',
  'multi-label': 'Image classifier',
  regression: 'Image classifier',
  detection: 'Object detector',
  centroids: 'Object detector',
  segmentation: 'Image segmenter',
};

export function titleOf(metadata: Partial<ModelMetadata>): string {
  const { experiment, trial, task } = metadata;
  const kind = saysTask(metadata) ? titles[task?.type ?? 'classification'] : 'Model';
  return `${experiment ?? kind}${trial === undefined ? '' : `, trial ${trial}`}`;
}

/** The metadata of a card, as Hugging Face reads them. */
export function frontOf({ target, metadata, license, tested }: CardFacts): Readonly<Record<string, unknown>> {
  const { task: { type } = classification, accuracy, precision, experiment = 'images' } = metadata;
  const pipeline = saysTask(metadata) ? pipelines[type] : undefined;
  const [library, score] = [libraries[target], accuracy?.test];
  return {
    ...(license !== undefined && { license }),
    ...(library !== undefined && { library_name: library }),
    ...(pipeline !== undefined && { pipeline_tag: pipeline }),
    tags: ['nas', target, ...(precision === undefined ? [] : [precision])],
    ...(score !== undefined && {
      metrics: [metricNames[type]],
      'model-index': [
        {
          name: titleOf(metadata),
          results: [
            {
              task: { type: pipeline ?? 'image-regression' },
              dataset: { name: experiment, type: experiment, split: 'test' },
              metrics: [
                {
                  type: metricNames[type],
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
