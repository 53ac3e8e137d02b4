import { evaluateOnnx, readMetadata, type LabelledImages, type Scores } from '../deploy/index.js';
import {
  createResizer,
  describeDataset,
  evaluationLoader,
  type Batch,
  type DatasetRef,
  type SplitName,
} from '../trainers/index.js';

export interface EvaluateFileOptions {
  readonly provider?: string;
  readonly threads?: number;
  /** Told how many images are done, and of how many. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Images classified at once. */
const batch = 128;

/**
 * Runs an ONNX classifier on one split of a data set; images are resized to what the model says it takes.
 * @throws NasError `invalid-input` when model and data do not fit.
 */
export async function evaluateOnSplit(
  model: Uint8Array,
  dataset: DatasetRef,
  split: SplitName,
  { provider = 'cpu', threads = 1, onProgress }: EvaluateFileOptions = {},
): Promise<Scores> {
  const info = describeDataset(dataset);
  const images = [info.height, info.width, info.channels] as const;
  const [height, width] = readMetadata(model).input ?? images;
  const resize = createResizer(images, [height, width, info.channels]);
  const loader = evaluationLoader(dataset, split, batch);
  try {
    return await evaluateOnnx(model, resized(loader.epoch(0), resize), {
      data: { ...info, height, width },
      provider,
      threads,
      onProgress: (done) => onProgress?.(done, info.counts[split]),
    });
  } finally {
    await loader.close();
  }
}

async function* resized(
  batches: AsyncIterable<Batch>,
  resize: (images: Float32Array) => Float32Array,
): AsyncGenerator<LabelledImages> {
  for await (const { images, labels, size } of batches) yield { images: resize(images), labels, size };
}
