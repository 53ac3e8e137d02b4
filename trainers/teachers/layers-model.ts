import { basename } from 'node:path';
import { z } from 'zod';
import { invalidInput } from '../../base/errors.js';
import { contentHash } from '../../base/hash.js';
import { namedWeights } from '../../spaces/models/index.js';
import { activateBackend, chooseEngine, createInference } from '../engines/index.js';
import { classOrder, reorder } from './classes.js';
import { loadLayersModel, type LoadedLayersModel } from './model.js';
import type { TeacherFinder } from './source.js';

const metadataSchema = z.object({ classes: z.array(z.string()).optional() });

/** A TF.js layers model from a folder; its metadata may name `classes`. */
export const layersModelTeacher: TeacherFinder<'layers-model'> = async (config, info, { engine, threads }) => {
  const choice = await chooseEngine(engine);
  await activateBackend(choice);
  const loaded = await loadLayersModel(config.path);
  const { model } = loaded;
  try {
    checkShapes(config.path, model, [info.height, info.width, info.channels]);
    const outputs = model.outputs[0]?.shape[1] ?? 0;
    const names = config.classes ?? metadataSchema.safeParse(loaded.metadata).data?.classes;
    const order = classOrder(config.path, outputs, names, info.classes);
    return {
      name: basename(config.path),
      hash: modelHash(loaded, order),
      accuracy: null,
      model: { type: 'layers-model', path: config.path },
      async open() {
        await activateBackend(choice);
        const { model: teacher } = await loadLayersModel(config.path);
        const inference = await createInference(teacher, choice, threads);
        return {
          outputs: async (images, size) => reorder(await inference.run(images, size), order),
          async close() {
            await inference.dispose();
            teacher.dispose();
          },
        };
      },
    };
  } finally {
    model.dispose();
  }
};

function checkShapes(path: string, { inputs, outputs }: LoadedLayersModel['model'], size: readonly number[]): void {
  const [input] = inputs;
  const [output] = outputs;
  if (inputs.length !== 1)
    throw invalidInput(`the teacher ${path} has ${inputs.length} inputs, an image classifier has 1`);
  const expected = input.shape.slice(1);
  if (expected.length !== 3 || expected.some((side, axis) => side !== null && side !== size[axis]))
    throw invalidInput(`the teacher ${path} takes [batch, ${expected}], the images are [batch, ${size}]`);
  if (outputs.length !== 1 || output.shape.length !== 2)
    throw invalidInput(`the teacher ${path} does not give one output [batch, classes]`);
}

function modelHash({ model, metadata }: LoadedLayersModel, order: readonly number[] | null): string {
  const weights = namedWeights(model).flatMap(({ name, variable }) => [
    name,
    new Uint8Array(variable.dataSync().slice().buffer),
  ]);
  return contentHash('layers-model', model.toJSON(null, false), metadata, order, ...weights);
}
