import { createSpace, spaceSchema, type Space, type SpaceConfig, type Task } from '../../spaces/index.js';
import type { z } from 'zod';

export const fashion: Task = { input: [28, 28, 1], classes: 10 };
export const imagenet: Task = { input: [224, 224, 3], classes: 1000 };

/** The space of a configuration as a user writes it. */
export const makeSpace = (config: z.input<typeof spaceSchema>, task: Task = fashion): Promise<Space> =>
  createSpace(spaceSchema.parse(config), task);

/** The error message of `spaceSchema` or `createSpace`, after its key path. */
export async function complaint(config: unknown, task: Task = fashion): Promise<string> {
  const parsed = spaceSchema.safeParse(config);
  if (!parsed.success) {
    const [{ path, message }] = parsed.error.issues;
    return `${path.map(String).join('.')}: ${message}`;
  }
  const made: SpaceConfig = parsed.data;
  return createSpace(made, task, { directory: import.meta.dirname }).then(
    () => 'no error',
    (error: unknown) => (error instanceof Error ? `${error.name}: ${error.message}` : 'not an error'),
  );
}
