import { createHash } from 'node:crypto';
import { writeFileAtomic } from '../../../base/files.js';
import { exportOnnx, withMetadata, type ModelMetadata } from '../../../deploy/index.js';
import type { SplitName } from '../../../trainers/index.js';
import { evaluateOnSplit, quantizeOnDataset } from '../../models/on-dataset.js';
import { candidateModel } from '../jobs/candidate-model.js';
import type { ExportResult, JobContext, JobOf } from '../jobs/jobs.js';

/**
 * Writes a trained network as ONNX, quantized where that is asked for, with its accuracy as ONNX Runtime finds it on both
 * splits inside.
 */
export async function exportJob(job: JobOf<'export'>, { onEvent, signal }: JobContext): Promise<ExportResult> {
  const { dataset, threads, path } = job;
  const onProgress = (done: number, total: number) => onEvent({ kind: 'count', done, total, what: 'images' });
  const { bytes, metadata } = await written(job, signal, onProgress);
  const on = async (split: SplitName) =>
    (await evaluateOnSplit(bytes, dataset, split, { threads, onProgress })).accuracy;
  const accuracy = { validation: await on('validation'), test: await on('test') };
  const file = withMetadata(bytes, { ...metadata, accuracy });
  if (path !== null) writeFileAtomic(path, file);
  return { bytes: file.byteLength, sha256: createHash('sha256').update(file).digest('hex'), accuracy };
}

async function written(
  { candidate, metadata, quantization, dataset, threads }: JobOf<'export'>,
  signal: AbortSignal,
  onProgress: (done: number, total: number) => void,
): Promise<{ readonly bytes: Uint8Array; readonly metadata: ModelMetadata }> {
  const bytes = exportOnnx(candidateModel(candidate), metadata);
  if (quantization === undefined) return { bytes, metadata };
  const { method, quantizeAware, ...options } = quantization;
  const { model, images } = await quantizeOnDataset(bytes, dataset, {
    ...options,
    methods: [method],
    threads,
    signal,
    onProgress: (_, done, total) => onProgress(done, total),
  });
  const tuned = quantizeAware === null ? {} : { quantize_aware_epochs: quantizeAware };
  const how = { method, images, weight_bits: options.weightBits, ...tuned };
  return { bytes: model, metadata: { ...metadata, quantization: how } };
}
