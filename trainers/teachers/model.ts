import { invalidInput } from '../../base/errors.js';
import { loadLayersModel } from '../../compiler/index.js';
import type { ImageSize } from '../data/resize.js';
import { modelTeacher, networkTeacher, type FeatureTeacher } from '../engines/features.js';
import { readWeights } from '../weights.js';
import type { TeacherModelSource } from './prepared.js';

/**
 * Builds a teacher whose features are compared with a student's, for the student's size of images: a network's weights
 * do not depend on it.
 *
 * @throws NasError `invalid-input` when a layers model takes images of another size
 */
export async function loadTeacherModel(source: TeacherModelSource | null, input: ImageSize): Promise<FeatureTeacher> {
  if (source === null) throw new Error('the loss compares features with a teacher that shows none');
  if (source.type === 'network') {
    const network = { ...source.network, input };
    return networkTeacher({ network, weights: readWeights(network, source.weights) });
  }
  const { model } = await loadLayersModel(source.path);
  const expected = model.inputs[0]?.shape.slice(1) ?? [];
  if (expected.some((side, axis) => side !== null && side !== input[axis]))
    throw invalidInput(
      `the teacher ${source.path} takes images of ${expected.join('x')}, the student ${input.join('x')}`,
      {
        hint: 'Fix the resolution of the space to that of the teacher, or set train.loss.hints and attention to 0.',
      },
    );
  return modelTeacher(model);
}
