import { z } from 'zod';

const fraction = z.number().min(0).max(1);
const temperature = z.number().gt(0).default(4).describe('divides the logits of teacher and student');
const labelSmoothing = fraction.default(0).describe('share of each label that is spread over all classes');

/** Losses between features, of teachers that show theirs. */
const features = {
  hints: z
    .number()
    .min(0)
    .default(0)
    .describe('weight of FitNets hints (Romero et al. 2015), the squared error between adapted features; 0: none'),
  attention: z
    .number()
    .min(0)
    .default(0)
    .describe('weight of attention transfer (Zagoruyko & Komodakis 2017), the distance of attention maps; 0: none'),
};

/** `train.loss:`. */
export const lossSchema = z.discriminatedUnion('type', [
  z
    .strictObject({ type: z.literal('cross-entropy'), label_smoothing: labelSmoothing })
    .describe('labels only, no teacher'),
  z
    .strictObject({
      type: z.literal('kd'),
      temperature,
      alpha: fraction.default(0.5).describe("weight of the teacher's answers; the labels have 1 - alpha"),
      label_smoothing: labelSmoothing,
      ...features,
    })
    .describe('knowledge distillation (Hinton et al. 2015): (1 - alpha) CE + alpha T² KL(teacher ‖ student)'),
  z
    .strictObject({
      type: z.literal('dkd'),
      temperature,
      alpha: z.number().min(0).default(1).describe('weight of TCKD: how sure the teacher is of the true class'),
      beta: z.number().min(0).default(4).describe('weight of NCKD: how the teacher ranks the other classes'),
      label_smoothing: labelSmoothing,
      ...features,
    })
    .describe('decoupled distillation (Zhao et al. 2022): CE + T² (alpha TCKD + beta NCKD)'),
]);
export type LossConfig = z.output<typeof lossSchema>;
