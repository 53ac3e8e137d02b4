import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { foreignNetwork, resizedFile, runOnnx, toStorage } from '../../../compiler/index.js';
import { Random } from '../../../base/random.js';
import { createSpace, sampleGenotype, type Network } from '../../../spaces/index.js';
import { initialWeights, toOnnx } from '../../../spaces/models/index.js';
import { readMetadata, withMetadata } from '../../../deploy/index.js';
import { recogniseNetwork } from '../../../trainers/index.js';
import { node } from '../support/onnx-models.js';
import { classifierOf, normal } from './support.js';

const fixture = (name: string): Uint8Array => readFileSync(new URL(`./fixtures/${name}.onnx`, import.meta.url));
const resized = (name: string, side: number): Uint8Array => resizedFile(fixture(name), [side, side], 'the file');

const run = (file: Uint8Array, images: Float32Array, shape: readonly number[]): Promise<Float32Array> =>
  runOnnx(file, 'the file', images, shape);

describe('a file for images of another size', () => {
  it('computes what its network computes of them', async () => {
    const { model } = recogniseNetwork(fixture('mobilenet_v2'), { where: 'the file', size: [32, 32] });
    const network = { ...model.network, input: [40, 40, 3] as const };
    const images = normal(40 * 40 * 3, 'images');
    const expected = await run(toOnnx({ network, weights: model.weights }), images, [1, 40, 40, 3]);
    const found = await run(
      resized('mobilenet_v2', 40),
      toStorage(images, [1, 40, 40, 3], [0, 3, 1, 2]),
      [1, 3, 40, 40],
    );
    found.forEach((value, i) => expect(value).toBeCloseTo(expected[i], 4));
  });

  it('may be one of ours, of grey images with channels last', async () => {
    const space = await createSpace({ type: 'mobilenet', preset: 'tiny' }, { input: [28, 28, 1], classes: 4 });
    const drawn = space.build(sampleGenotype(space, new Random(1, 'grey')));
    // Other pads depend on whether a map has an even size.
    const network: Network = { ...drawn, style: { ...drawn.style, padding: 'symmetric' } };
    const weights = initialWeights(network, 1);
    const images = normal(32 * 32, 'grey images');
    const file = resizedFile(withMetadata(toOnnx({ network, weights }), { input: [28, 28, 1] }), [32, 32], 'the file');
    const found = await run(file, images, [1, 32, 32, 1]);
    expect(readMetadata(file).input).toEqual([32, 32, 1]);
    const larger = toOnnx({ network: { ...network, input: [32, 32, 1] }, weights });
    expect(found).toEqual(await run(larger, images, [1, 32, 32, 1]));
  });

  it.each(['shufflenet', 'densenet', 'convnext', 'squeezenet'])(
    'may split channels and pool the whole map: %s',
    (name) => {
      const file = resized(name, 64);
      const { input, classes } = foreignNetwork(file);
      expect([...input, classes]).toEqual([64, 64, 3, foreignNetwork(fixture(name)).classes]);
    },
  );

  it('may shuffle channels by sizes that are joined of constants', () => {
    const nodes = [
      node('Concat', 'n groups rows columns', 'split', { axis: 0 }),
      node('Reshape', 'x split', 'grouped'),
      node('Transpose', 'grouped', 'turned', { perm: [0, 2, 1, 3, 4] }),
      node('Reshape', 'turned whole', 'mixed'),
      node('Conv', 'mixed w', 'c'),
      node('GlobalAveragePool', 'c', 'm'),
    ];
    const size = (...values: number[]) => [[values.length], BigInt64Array.from(values, BigInt)] as const;
    const file = classifierOf(nodes, 4, {
      constants: {
        ...{ n: size(-1), groups: size(3, 1), rows: size(8), columns: size(8), whole: size(-1, 3, 8, 8) },
        w: [[4, 3, 1, 1], normal(12, 'w')],
      },
      input: ['n', 3, 8, 8],
    });
    expect(foreignNetwork(resizedFile(file, [12, 16], 'the file')).input).toEqual([12, 16, 3]);
  });

  it('is the same file where it takes this size', () => {
    const [side] = foreignNetwork(fixture('resnet')).input;
    expect(resized('resnet', side)).toEqual(fixture('resnet'));
  });

  it('is refused for its own reason where it is not read in its own size', () => {
    const other = Buffer.from(Buffer.from(fixture('resnet')).toString('latin1').replaceAll('Relu', 'Nope'), 'latin1');
    expect(() => resizedFile(other, [64, 64], 'the file')).toThrow(/Nope/);
  });

  it('is refused where a linear layer reads all pixels', () => {
    expect(() => resized('flat', 64)).toThrow(/^the file takes images of \d+x\d+ alone, not 64x64$/);
  });
});
