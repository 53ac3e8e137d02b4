import type * as tfl from '@tensorflow/tfjs-layers';
import { invalidInput } from '../../base/errors.js';
import { loadLayersModel } from '../../compiler/index.js';
import { toModel } from '../../spaces/models/index.js';
import type { ImageSize } from '../data/resize.js';
import { loadWeights } from '../weights.js';
import type { TeacherModelSource } from './prepared.js';

/**
 * Builds a teacher whose features are compared with a student's, for the student's size of images: a network's weights
 * do not depend on it.
 *
 * @throws NasError `invalid-input` when a layers model takes images of another size
 */
export async function loadTeacherModel(source: TeacherModelSource | null, input: ImageSize): Promise<tfl.LayersModel> {
  if (source === null) throw new Error('the loss compares features with a teacher that shows none');
  if (source.type === 'network') {
    const model = toModel({ ...source.network, input }, { seed: 0, name: 'teacher' });
    loadWeights(model, source.weights);
    return model;
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
  return model;
}
