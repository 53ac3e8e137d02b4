import { evaluateOnnx, readMetadata, type Scores } from '../deploy/index.js';
import { evaluationLoader, withDataset, type DatasetRef, type SplitName } from '../trainers/index.js';

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
  return withDataset(dataset, async (open) => {
    const { info } = open;
    const [height, width] = readMetadata(model).input ?? [info.height, info.width];
    const loader = evaluationLoader(open, split, batch, [height, width]);
    try {
      return await evaluateOnnx(model, loader.epoch(0), {
        data: { ...info, height, width },
        provider,
        threads,
        onProgress: (done) => onProgress?.(done, info.counts[split]),
      });
    } finally {
      await loader.close();
    }
  });
}
