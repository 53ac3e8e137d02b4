import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { invalidInput } from '../base/errors.js';
import { modelMetadataSchema, readMetadata } from '../deploy/index.js';
import type { Network } from '../spaces/index.js';
import type { Store } from '../store/index.js';
import { readWeights } from '../trainers/index.js';
import { shrunkFiles, shrunkFolder } from './stored/workdir.js';
import type { TrainedModel } from './trained-model.js';

/**
 * A network that was cut out of a trained one, with the weights of its fine-tuning.
 * @throws NasError `invalid-input` when the run has no such network, or its fine-tuning is not over.
 */
export function shrunkModel(store: Store, workdir: string, number: number): TrainedModel {
  const record = store.shrunk.get(number);
  if (record?.state !== 'complete')
    throw invalidInput(
      record === undefined
        ? `${workdir} has no shrunk network ${number}`
        : `shrunk network ${number} of ${workdir} is ${record.state}`,
      { hint: `nas pareto ${workdir} lists them; nas shrink makes one.` },
    );
  const files = shrunkFiles(join(workdir, shrunkFolder(number)));
  // Stored when it was cut.
  const network = record.network as Network;
  return {
    model: { network, weights: readWeights(network, files.weights) },
    metadata: modelMetadataSchema.parse(readMetadata(readFileSync(files.onnx))),
  };
}
