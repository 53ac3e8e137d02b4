import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Store, type Training } from '../../store/index.js';
import { readTensorFile } from '../../trainers/tensor-file.js';

/** All that a run found, without times: what must not differ between two runs. */
export function findings(workdir: string) {
  const store = Store.open(join(workdir, 'nas.sqlite'), { readonly: true });
  try {
    const trials = store.trials.all();
    const curve = (training: Training) =>
      store.curves.of(training).map(({ seconds, ...epoch }) => ({ ...epoch, timed: seconds >= 0 }));
    return {
      status: store.run.status().status,
      steps: store.events
        .all()
        .filter(({ kind }) => kind === 'asked' || kind === 'promoted')
        .map(({ kind, trial, detail }) => ({ kind, trial, detail })),
      trials: trials.map(({ number, genotypeId, seed, reason, state, message, values, precision, variants }) => ({
        number,
        genotypeId,
        seed,
        reason,
        state,
        message,
        values,
        precision,
        variants,
      })),
      curves: trials.map(({ number }) => [
        curve({ stage: 'search', trial: number }),
        curve({ stage: 'final', trial: number }),
        curve({ stage: 'quantize-aware', trial: number }),
      ]),
      supernet: {
        curve: curve({ stage: 'supernet' }),
        weights: digest(join(workdir, 'artifacts', 'supernet', 'weights.bin')),
      },
      finals: store.finals.all().map(({ trial, precision, state, accuracy, testAccuracy, epochs, from }) => ({
        trial,
        precision,
        state,
        accuracy,
        testAccuracy,
        epochs,
        from,
      })),
      models: store.artifacts
        .all()
        .filter(({ kind }) => kind.startsWith('onnx'))
        .map(({ path }) => ({ path, exists: existsSync(join(workdir, path)) })),
      weights: trials.map(({ number }) =>
        ['search', 'final', 'quantize-aware'].map((stage) =>
          digest(join(workdir, 'artifacts', stage, String(number).padStart(5, '0'), 'weights.bin')),
        ),
      ),
    };
  } finally {
    store.close();
  }
}

/** A hash of a file's tensors; what else it holds (the seconds of each epoch) may differ. */
export function digest(path: string): string | null {
  if (!existsSync(path)) return null;
  const { tensors } = readTensorFile(path);
  const hash = createHash('sha256');
  for (const [name, { shape, data }] of tensors)
    hash.update(`${name} ${String(shape)}`).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return hash.digest('hex');
}
