import { Random } from '../../../../base/random.js';
import { lowerOnnx } from '../../../../deploy/edge/lower.js';
import { outlineOf } from '../../../../deploy/edge/outline.js';
import type { EdgeProgram } from '../../../../deploy/edge/program.js';
import { edgeSizes } from '../../../../deploy/edge/sizes.js';
import { prepareModel, quantizeModel } from '../../../../deploy/quantize/index.js';
import { candidateOnnx } from '../../../../runner/jobs/candidate-model.js';
import { createSpace, sampleGenotype, spaceSchema, type SpaceConfig } from '../../../../spaces/index.js';

/** The int8 file of a float one, with another range for each tensor, as calibration finds. */
function quantized(model: Uint8Array): Uint8Array {
  const prepared = prepareModel(model, 'the network');
  const seen = new Map<string, number>();
  const range = (tensor: string): readonly [number, number] => {
    const high = seen.get(tensor) ?? 1 + seen.size / 7;
    seen.set(tensor, high);
    return [-high, 1.1 * high];
  };
  return quantizeModel(prepared, { range }, { weightBits: 8 }).model;
}

/** Operators and shapes of a program inside of its conversions from and to floats. */
const textOf = ({ tensors, operators }: EdgeProgram): readonly string[] =>
  operators.flatMap((operator) => {
    if (operator.op === 'quantize' || operator.op === 'dequantize') return [];
    const { op, inputs, output } = operator;
    const shapes = [...inputs, output].map((id) => `[${tensors[id].shape.join()}]`).join(' ');
    const window = 'padding' in operator ? JSON.stringify(operator.padding) : '';
    return [`${op} ${op === 'elementwise' ? operator.function.name : ''} ${shapes} ${window}`];
  });

/** What a network's outline says of its program, and what the program of its int8 file says. */
export async function outlineAndProgram(type: SpaceConfig['type'], seed: number) {
  const config = spaceSchema.parse({ type });
  const space = await createSpace(config, { input: [32, 32, 3], classes: 10 });
  const network = space.build(sampleGenotype(space, new Random(seed, 'outline')));
  const program = lowerOnnx(quantized(candidateOnnx({ network, seed })), 'the network');
  const outline = outlineOf(network);
  return [outline, program].map((one) => ({ operators: textOf(one), sizes: edgeSizes(one) }));
}
