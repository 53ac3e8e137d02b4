import { createHash } from 'node:crypto';
import { writeFileAtomic } from '../../../base/files.js';
import { exportOnnx, withMetadata } from '../../../deploy/index.js';
import type { SplitName } from '../../../trainers/index.js';
import { evaluateOnSplit } from '../../evaluate.js';
import { candidateModel } from '../jobs/candidate-model.js';
import type { ExportResult, JobContext, JobOf } from '../jobs/jobs.js';

/** Writes a trained network as ONNX, with its accuracy as ONNX Runtime finds it on both splits inside. */
export async function exportJob(
  { candidate, metadata, dataset, threads, path }: JobOf<'export'>,
  { onEvent }: JobContext,
): Promise<ExportResult> {
  const bytes = exportOnnx(candidateModel(candidate), metadata);
  const onProgress = (done: number, total: number) => onEvent({ kind: 'count', done, total, what: 'images' });
  const on = async (split: SplitName) =>
    (await evaluateOnSplit(bytes, dataset, split, { threads, onProgress })).accuracy;
  const accuracy = { validation: await on('validation'), test: await on('test') };
  const file = withMetadata(bytes, { ...metadata, accuracy });
  if (path !== null) writeFileAtomic(path, file);
  return { bytes: file.byteLength, sha256: createHash('sha256').update(file).digest('hex'), accuracy };
}
