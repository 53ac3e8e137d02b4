import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { contentHash } from '../../base/hash.js';
import type { Store, Training, TrialRecord, TrialStage } from '../../store/index.js';
import { readTensorFile } from '../../trainers/tensor-file.js';
import { supernetFolder, trialFolder, weightsFile } from './workdir.js';

const stages: readonly TrialStage[] = ['search', 'final'];

/** SHA-256 of a file's tensors, in hex; its header holds the seconds of each epoch, too. Null without the file. */
function tensorsHash(path: string): string | null {
  if (!existsSync(path)) return null;
  const hash = createHash('sha256');
  for (const [name, { shape, data }] of readTensorFile(path).tensors)
    hash.update(`${name} ${String(shape)}`).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return hash.digest('hex');
}

/** The values that another run of the same file has, too. */
const repeatable = ({ values }: TrialRecord) =>
  Object.fromEntries(Object.entries(values).filter(([name]) => name !== 'latency_ms'));

/**
 * All that a run found but for times: its trials, curves, weights, and the accuracies of the final trainings. Latencies are left
 * out; where they steer the search, they show in the trials that it asked for.
 */
export function findings(store: Store, workdir: string) {
  const trials = store.trials.all();
  const curve = (training: Training) =>
    store.curves.of(training).map(({ seconds, ...epoch }) => ({ ...epoch, timed: seconds >= 0 }));
  const weights = (folder: string) => tensorsHash(join(workdir, folder, weightsFile));
  return {
    trials: trials.map((trial) => {
      const { number, genotypeId, seed, reason, state, message, precision } = trial;
      return { number, genotypeId, seed, reason, state, message, precision, values: repeatable(trial) };
    }),
    supernet: { curve: curve({ stage: 'supernet' }), weights: weights(supernetFolder) },
    curves: trials.map(({ number: trial }) => stages.map((stage) => curve({ stage, trial }))),
    weights: trials.map(({ number: trial }) => stages.map((stage) => weights(trialFolder(stage, trial)))),
    finals: store.finals.all().map(({ trial, precision, state, accuracy, testAccuracy, epochs, from }) => {
      return { trial, precision, state, accuracy, testAccuracy, epochs, from };
    }),
  };
}

/** SHA-256 of `findings`, in hex: equal where two runs found the same, bit for bit. Reads all weights of the run. */
export const findingsHash = (store: Store, workdir: string): string => contentHash(findings(store, workdir));
