import type { MapTask } from '../../base/task.js';
import { resolve } from 'node:path';
import { z } from 'zod';
import { invalidInput, messageOf } from '../../base/errors.js';
import { importFunction } from '../../base/modules.js';
import { costs } from '../costs.js';
import { detectionOf, mapTaskOf } from '../network.js';
import type { Space, Task } from '../space.js';

/** `space: {type: module}`: a user-defined space in code; the module's default export is `(task: Task) => Space`. */
export const moduleSchema = z
  .strictObject({
    type: z.literal('module'),
    path: z
      .string()
      .min(1)
      .describe(
        'JavaScript module (.js, .mjs); .ts where the runtime can import it; its default export is (task) => Space',
      ),
  })
  .describe('a space of your own, in code');
export type ModuleConfig = z.output<typeof moduleSchema>;

const isFunction = (value: unknown): value is (...args: never[]) => unknown => typeof value === 'function';

const spaceShape = z.object({
  name: z.string().min(1),
  decisions: z
    .array(
      z.object({
        name: z.string().min(1),
        choices: z.array(z.union([z.string(), z.number(), z.boolean()])).min(1),
      }),
    )
    .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, 'must have different names'),
  canonical: z.custom<Space['canonical']>(isFunction, 'must be a function (genotype) => genotype'),
  build: z.custom<Space['build']>(isFunction, 'must be a function (genotype) => Network'),
  inputs: z
    .array(z.tuple([z.number().int().min(1), z.number().int().min(1), z.number().int().min(1)]))
    .min(1)
    .optional(),
  count: z.custom<NonNullable<Space['count']>>(isFunction, 'must be a function () => bigint').optional(),
});

function parsed<T extends z.ZodType>(schema: T, value: unknown, file: string): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [{ path, message }] = result.error.issues;
  throw invalidInput(`space.path: ${file}: ${['space', ...path].join('.')}: ${message}`);
}

/** Builds one network, so a space that cannot build is rejected before anything runs. */
function tryFirst(space: Space, file: string, { maps }: Task): void {
  const first = space.decisions.map(() => 0);
  try {
    const network = space.build(space.canonical(first));
    if (!(costs(network).macs > 0)) throw new Error('it has no layers');
    const head = detectionOf(network);
    const found = head === null ? undefined : mapTaskOf(head);
    const shown = (task: MapTask | undefined): string => task ?? 'a row of outputs';
    if (found !== maps) throw new Error(`it is for ${shown(found)}, and the data is for ${shown(maps)}`);
  } catch (error) {
    throw invalidInput(`space.path: ${file}: cannot build the network of all first choices: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/**
 * Loads a space from a module.
 * @param directory base of a relative path
 * @throws NasError `invalid-input` when the module cannot be imported or does not return a space that builds
 */
export async function loadModuleSpace({ path }: ModuleConfig, task: Task, directory: string): Promise<Space> {
  const file = resolve(directory, path);
  const makeSpace = await importFunction<(task: Task) => unknown>(file, 'space.path', '(task) => Space');
  const made = await makeSpace(task);
  parsed(spaceShape, made, file);
  // Validated above. The object itself is kept, since its functions may use `this`.
  const space = made as Space;
  tryFirst(space, file, task);
  return space;
}
