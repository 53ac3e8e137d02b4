import type { LoadedExperiment } from '../experiments/parse/index.js';
import type { Space, Task } from '../spaces/index.js';

export interface LoadedSpace {
  readonly loaded: LoadedExperiment;
  readonly task: Task;
  readonly space: Space;
  /** Number of different networks, with separators. */
  readonly size: string;
}

/**
 * Reads an experiment and makes its space for its data, which is described but not converted.
 * @throws NasError `invalid-input` for mistakes in the file, missing data and impossible spaces.
 */
export async function loadWithSpace(file: string, set: readonly string[]): Promise<LoadedSpace> {
  const { loadExperiment, locate } = await import('../experiments/parse/index.js');
  const { openSource } = await import('../trainers/index.js');
  const { createSpace, spaceSize } = await import('../spaces/index.js');
  const loaded = loadExperiment(file, { set });
  const locating = async <T>(key: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw locate(loaded, [key], error);
    }
  };
  const { experiment } = loaded;
  const source = await locating('data', () => openSource(experiment.data));
  const task: Task = { input: [source.height, source.width, source.channels], classes: source.classes.length };
  const space = await locating('space', () => createSpace(experiment.space, task));
  return { loaded, task, space, size: spaceSize(space).toLocaleString('en-US') };
}
