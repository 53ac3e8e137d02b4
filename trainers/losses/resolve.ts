import { invalidInput } from '../../base/errors.js';
import { lossSchema, type LossConfig, type TeacherConfig } from '../schema.js';

/** The weights of the losses on features; all 0 when the loss has none. */
export function featureWeights(loss: LossConfig): { readonly hints: number; readonly attention: number } {
  return loss.type === 'cross-entropy' ? { hints: 0, attention: 0 } : { hints: loss.hints, attention: loss.attention };
}

/**
 * The loss that a student is trained with: as configured, else distillation when there is a teacher, else
 * cross-entropy.
 *
 * @throws NasError `invalid-input` when the loss needs what the teacher does not have
 */
export function lossFor(loss: LossConfig | undefined, teacher: TeacherConfig['type']): LossConfig {
  if (loss === undefined) return lossSchema.parse({ type: teacher === 'none' ? 'cross-entropy' : 'kd' });
  if (loss.type === 'cross-entropy') return loss;
  if (teacher === 'none')
    throw invalidInput(`train.loss is ${loss.type}, which learns from a teacher, but there is no teacher`, {
      hint: 'Add teacher: {type: train}, or use train.loss: {type: cross-entropy}.',
    });
  const { hints, attention } = featureWeights(loss);
  if (teacher === 'onnx' && (hints > 0 || attention > 0))
    throw invalidInput(
      `train.loss.${hints > 0 ? 'hints' : 'attention'} needs the teacher's features, which an ONNX teacher does not show`,
      { hint: 'Use a teacher of type train or layers-model, or set hints and attention to 0.' },
    );
  return loss;
}
