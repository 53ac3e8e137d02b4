import { readFile } from 'node:fs/promises';
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { io } from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { z } from 'zod';
import { invalidInput, messageOf } from '../../base/errors.js';
import { toModel } from '../../spaces/models/index.js';
import type { ImageSize } from '../resize.js';
import { loadWeights } from '../weights.js';
import type { TeacherModelSource } from './prepared.js';

/** What is used of a `model.json`. */
const modelJson = z.object({
  modelTopology: z.record(z.string(), z.unknown()),
  weightsManifest: z.array(
    z.object({
      paths: z.array(z.string()),
      weights: z.array(z.looseObject({ name: z.string(), shape: z.array(z.number()), dtype: z.string() })),
    }),
  ),
  userDefinedMetadata: z.record(z.string(), z.unknown()).optional(),
});

/** A TF.js layers model from a folder, with what its author said about it. */
export interface LoadedLayersModel {
  readonly model: tfl.LayersModel;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/**
 * Loads a TF.js layers model from files.
 * @param path the folder with `model.json` and the weights, or that file
 * @throws NasError `invalid-input` when it is missing or damaged
 */
export async function loadLayersModel(path: string): Promise<LoadedLayersModel> {
  const file = existsSync(path) && statSync(path).isDirectory() ? join(path, 'model.json') : path;
  try {
    const json = modelJson.parse(JSON.parse(await readFile(file, 'utf8')));
    const paths = json.weightsManifest.flatMap((group) => group.paths);
    const parts = await Promise.all(paths.map((part) => readFile(join(dirname(file), part))));
    const data = Buffer.concat(parts);
    const handler: io.IOHandler = {
      load: () =>
        Promise.resolve({
          modelTopology: json.modelTopology,
          // The shape was checked above; TF.js itself checks the entries.
          weightSpecs: json.weightsManifest.flatMap((group) => group.weights) as unknown as io.WeightsManifestEntry[],
          weightData: data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength),
        }),
    };
    return { model: await tfl.loadLayersModel(handler), metadata: json.userDefinedMetadata ?? {} };
  } catch (cause) {
    throw invalidInput(`the TF.js model ${file} cannot be loaded: ${messageOf(cause)}`, {
      hint: 'It must be a folder with model.json (a layers model, as model.save writes it) and its weight files.',
      cause,
    });
  }
}

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
