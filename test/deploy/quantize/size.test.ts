import { expect, it } from 'vitest';
import { Random } from '../../../base/random.js';
import { parseOnnx } from '../../../compiler/index.js';
import { quantizeForTiming } from '../../../deploy/index.js';
import { costs, createSpace, sampleGenotype, spaceSchema } from '../../../spaces/index.js';
import { initialWeights, toOnnx } from '../../../spaces/models/index.js';

it.each([{ type: 'mobilenet', preset: 'tiny' }, { type: 'nas-bench-201' }])(
  'int8 weights of $type take the bytes that its costs say, to a few percent',
  async (config) => {
    const space = await createSpace(spaceSchema.parse(config), { input: [32, 32, 3], classes: 10 });
    const network = space.build(sampleGenotype(space, new Random(1, 'size')));
    const file = quantizeForTiming(toOnnx({ network, weights: initialWeights(network, 1) }), 'the network');
    const { initializer } = parseOnnx(file).graph;
    const bytes = initializer.reduce((sum, { rawData, floatData }) => sum + rawData.length + 4 * floatData.length, 0);
    const { int8SizeBytes, sizeBytes } = costs(network);
    expect(Math.abs(bytes / int8SizeBytes - 1)).toBeLessThan(0.05);
    expect(int8SizeBytes).toBeLessThan(sizeBytes / 2);
  },
);
