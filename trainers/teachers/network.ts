import { createResizer, type DatasetInfo } from '../data/index.js';
import { activateBackend, chooseEngine, networkInference } from '../engines/index.js';
import { readWeights, weightsHash } from '../weights.js';
import type { NetworkTeacher } from './schema.js';
import type { TeacherFinder, TeacherOptions, TeacherSource } from './source.js';

/**
 * A network of ours as a teacher; it is shown the views in its own resolution.
 * @param accuracy on the validation split, where it is known
 */
export function networkTeacher(
  { name, network, weights }: NetworkTeacher,
  accuracy: number | null,
  { height, width, channels }: DatasetInfo,
  { engine, threads }: TeacherOptions,
): TeacherSource {
  return {
    name,
    hash: weightsHash(weights),
    accuracy,
    model: { type: 'network', network, weights },
    async open() {
      const choice = await chooseEngine(engine);
      await activateBackend(choice);
      const inference = await networkInference({ network, weights: readWeights(network, weights) }, choice, threads);
      const resize = createResizer([height, width, channels], network.input);
      return {
        outputs: (images, size) => inference.run(resize(images), [size, ...network.input]),
        close: inference.close,
      };
    },
  };
}

/** A network that was trained before. */
export const givenTeacher: TeacherFinder<'network'> = (config, info, options) =>
  Promise.resolve(networkTeacher(config, null, info, options));
