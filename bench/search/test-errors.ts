import { evaluateOnSplit, isTableExperiment, trainedModel, type Experiment } from '../../experiments/index.js';
import { databasePath } from '../../experiments/stored/workdir.js';
import { exportOnnx } from '../../deploy/index.js';
import { Store } from '../../store/index.js';
import { prepareDataset } from '../../trainers/index.js';

/** The error of trained networks of a run on the test images, which the search has never seen, by trial. */
export async function testErrors(
  experiment: Experiment,
  workdir: string,
  trials: readonly number[],
): Promise<Map<number, number>> {
  if (isTableExperiment(experiment)) throw new Error('a table has no images');
  const dataset = await prepareDataset(experiment.data);
  const store = Store.open(databasePath(workdir), { readonly: true });
  try {
    const errors = new Map<number, number>();
    for (const trial of trials) {
      const { model, metadata } = await trainedModel(store, workdir, trial);
      const { accuracy } = await evaluateOnSplit(exportOnnx(model, metadata), dataset, 'test');
      errors.set(trial, 1 - accuracy);
    }
    return errors;
  } finally {
    store.close();
  }
}
