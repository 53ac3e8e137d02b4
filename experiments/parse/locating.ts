import { locate, type LoadedExperiment } from './load.js';
import type { KeyPath } from './path.js';

/** Does something with the value at a key path, such that an error says where that value was written. */
export type Locating = <T>(path: KeyPath, task: () => Promise<T> | T) => Promise<T>;

/** For an experiment that comes from its file. */
export const locatingIn =
  (loaded: LoadedExperiment): Locating =>
  async (path, task) => {
    try {
      return await task();
    } catch (error) {
      throw locate(loaded, path, error);
    }
  };

/** For an experiment whose file is not at hand: errors stay as they are. */
export const locatingNowhere: Locating = async (_path, task) => task();
