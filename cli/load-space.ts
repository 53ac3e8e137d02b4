import type { LoadedExperiment, TableExperiment, TrainingExperiment } from '../experiments/index.js';
import type { DecisionSpace, Space, Task } from '../spaces/index.js';

interface Loaded<E> {
  readonly loaded: LoadedExperiment;
  readonly experiment: E;
  /** Number of different networks, with separators. */
  readonly size: string;
}

/** Networks that can be built. */
export interface LoadedNetworks extends Loaded<TrainingExperiment> {
  readonly kind: 'training';
  readonly task: Task;
  /** What given weights are to its networks, for people; null when none are given. */
  readonly beginning: string | null;
  readonly space: Space;
}

/** Rows of a table. */
export interface LoadedTable extends Loaded<TableExperiment> {
  readonly kind: 'table';
  readonly space: DecisionSpace;
}

export type LoadedSpace = LoadedNetworks | LoadedTable;

/**
 * Reads an experiment and makes its space: for its data, which is described but not converted; or from its table.
 * @throws NasError `invalid-input` for mistakes in the file, missing data, impossible spaces and bad tables.
 */
export async function loadWithSpace(file: string, set: readonly string[]): Promise<LoadedSpace> {
  const { isTableExperiment, loadExperiment, loadResults, locatingIn, planInitial, planSupernet } =
    await import('../experiments/index.js');
  const { openSource } = await import('../trainers/index.js');
  const { createSpace, spaceSize } = await import('../spaces/index.js');
  const loaded = loadExperiment(file, { set });
  const locating = locatingIn(loaded);
  const sizeOf = (space: DecisionSpace): string => spaceSize(space).toLocaleString('en-US');
  const { experiment } = loaded;
  if (isTableExperiment(experiment)) {
    const { space } = (await loadResults(experiment, locating)).table;
    return { kind: 'table', loaded, experiment, space, size: sizeOf(space) };
  }
  const source = await locating(['data'], () => openSource(experiment.data));
  const task: Task = { input: [source.height, source.width, source.channels], classes: source.classes.length };
  const space = await locating(['space'], () => createSpace(experiment.space, task));
  await planSupernet(experiment, { space, data: null, locating });
  const beginning = await planInitial(experiment, { space, data: source, locating });
  return { kind: 'training', loaded, experiment, task, space, size: sizeOf(space), beginning };
}
