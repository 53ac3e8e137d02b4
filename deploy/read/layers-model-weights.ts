import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { invalidInput, messageOf } from '../../base/errors.js';
import type { Weights } from '../../spaces/models/index.js';

const count = z.number().int().min(0);

/** What is used of a `model.json` as `exportTfjs` writes it. */
const modelJson = z.object({
  weightsManifest: z.array(
    z.object({
      paths: z.array(z.string()),
      weights: z.array(
        z.object({
          name: z.string(),
          shape: z.array(count),
          dtype: z.literal('float32'),
          quantization: z.undefined().optional(),
        }),
      ),
    }),
  ),
});

/**
 * The weights of a TF.js layers model from its `model.json` and the files beside it, by layer and role.
 * @throws NasError `invalid-input` when one of them is missing or damaged, or holds other values than float32
 */
export function layersModelWeights(file: string): Weights {
  try {
    const { weightsManifest } = modelJson.parse(JSON.parse(readFileSync(file, 'utf8')));
    return new Map(
      weightsManifest.flatMap(({ paths, weights }) => {
        const bytes = Buffer.concat(paths.map((path) => readFileSync(join(dirname(file), path))));
        let offset = 0;
        return weights.map(({ name, shape }) => {
          const size = 4 * shape.reduce((a, b) => a * b, 1);
          if (offset + size > bytes.length) throw new Error(`${paths.join(', ')} ends before ${name} does`);
          const data = new Float32Array(Uint8Array.from(bytes.subarray(offset, offset + size)).buffer);
          offset += size;
          return [name, { shape, data }] as const;
        });
      }),
    );
  } catch (cause) {
    throw invalidInput(`the weights of the TF.js model ${file} cannot be read: ${messageOf(cause)}`, {
      hint: 'It must be a model.json that nas exported, with its weights beside it.',
      cause,
    });
  }
}
