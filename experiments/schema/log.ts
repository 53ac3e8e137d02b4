import { z } from 'zod';

/** Other programs that follow a run. */
export const logSchema = z
  .union([
    z.literal('tensorboard'),
    z.strictObject({
      tensorboard: z.boolean().default(false).describe('event files for TensorBoard, in tensorboard/ of the workdir'),
      mlflow: z
        .url({ protocol: /^https?$/ })
        .optional()
        .describe(
          'address of an MLflow server: http://localhost:5000. Its password is never written here: see docs/tracking.md',
        ),
    }),
  ])
  .optional()
  .describe(
    'programs that are told of each trial when it ends. One that does not answer costs the run neither time nor trials. tensorboard: the same as {tensorboard: true}',
  );
