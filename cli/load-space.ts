import { loadExperiment, locate, type LoadedExperiment } from '../experiments/parse/index.js';
import type { Space, Task } from '../spaces/index.js';

export interface LoadedSpace {
  readonly loaded: LoadedExperiment;
  readonly task: Task;
  readonly space: Space;
  /** Number of different networks, with separators. */
  readonly size: string;
}

/** The error says where in the file the part is written that it is about. */
async function locating<T>(loaded: LoadedExperiment, key: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw locate(loaded, [key], error);
  }
}

/**
 * Reads an experiment and makes its space for its data, which is described but not converted.
 * @throws NasError `invalid-input` for mistakes in the file, missing data and impossible spaces.
 */
export async function loadWithSpace(file: string, set: readonly string[]): Promise<LoadedSpace> {
  const loaded = loadExperiment(file, { set });
  const { experiment } = loaded;
  const { openSource } = await import('../trainers/index.js');
  const { createSpace, spaceSize } = await import('../spaces/index.js');
  const source = await locating(loaded, 'data', () => openSource(experiment.data));
  const task: Task = { input: [source.height, source.width, source.channels], classes: source.classes.length };
  const space = await locating(loaded, 'space', () => createSpace(experiment.space, task));
  return { loaded, task, space, size: spaceSize(space).toLocaleString('en-US') };
}
