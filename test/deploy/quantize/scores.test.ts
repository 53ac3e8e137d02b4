import { toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { openOnnx, type OnnxFile } from '../../../compiler/index.js';
import { scoresAsMatrix } from '../../../deploy/quantize/scores.js';
import { modelOf, node, type ModelText, type NodeText } from './support/onnx-models.js';

const constants: NonNullable<ModelText['constants']> = {
  w: [[4, 3, 1, 1], Float32Array.from({ length: 12 }, (_, i) => Math.sin(i))],
  v: [[5, 4, 1, 1], Float32Array.from({ length: 20 }, (_, i) => Math.cos(i))],
  wide: [[5, 4, 3, 3], Float32Array.from({ length: 180 }, (_, i) => Math.cos(i))],
  grouped: [[6, 2, 1, 1], Float32Array.from({ length: 12 }, (_, i) => Math.cos(i))],
  b: [[5], Float32Array.of(1, 2, 3, 4, 5)],
};

const operators = ({ graph }: OnnxFile): string[] => graph.node.map(({ opType }) => opType);

/** Outputs for two images of 6 by 6. */
async function outputs(file: OnnxFile): Promise<Float32Array> {
  const { run, close } = await openOnnx(toBinary(ModelProtoSchema, file), 'the model');
  const y = await run(
    Float32Array.from({ length: 216 }, (_, i) => Math.sin(i * 3)),
    [2, 3, 6, 6],
  );
  await close();
  return y;
}

const headed = (last: NodeText, ...before: readonly NodeText[]): OnnxFile =>
  modelOf({
    constants,
    input: ['N', 3, 6, 6],
    nodes: [node('Conv', 'x w', 'c'), ...before, last, node('Flatten', 's', 'y')],
  });

describe('scores as a matrix', () => {
  const pooled = node('GlobalAveragePool', 'c', 'p');

  /** A classifier that makes something of its scores `f`. */
  const ended = (last: NodeText): OnnxFile =>
    modelOf({
      constants,
      input: ['N', 3, 6, 6],
      nodes: [node('Conv', 'x w', 'c'), pooled, node('Conv', 'p v b', 's'), node('Flatten', 's', 'f'), last],
    });

  it.each([
    ['with a bias', node('Conv', 'p v b', 's')],
    ['without one', node('Conv', 'p v', 's')],
  ])('are the same as of a convolution of one pixel, %s', async (_, last) => {
    const file = headed(last, pooled);
    const changed = scoresAsMatrix(file);
    expect(operators(changed)).toEqual(['Conv', 'GlobalAveragePool', 'Flatten', 'Gemm']);
    const expected = await outputs(file);
    (await outputs(changed)).forEach((y, i) => expect(y).toBeCloseTo(expected[i], 5));
  });

  it.each(['Softmax', 'LogSoftmax'])('are found before %s', async (operator) => {
    const file = ended(node(operator, 'f', 'y'));
    const changed = scoresAsMatrix(file);
    expect(operators(changed)).toEqual(['Conv', 'GlobalAveragePool', 'Flatten', 'Gemm', operator]);
    const expected = await outputs(file);
    (await outputs(changed)).forEach((y, i) => expect(y).toBeCloseTo(expected[i], 5));
  });

  it('are left where something else is made of them', () => {
    const activated = ended(node('Relu', 'f', 'y'));
    expect(operators(scoresAsMatrix(activated))).toEqual(operators(activated));
  });

  it('are found where the images have shrunk to a pixel without being pooled', () => {
    const file = modelOf({
      constants,
      input: ['N', 3, 1, 1],
      nodes: [node('Conv', 'x w', 'c'), node('Conv', 'c v b', 's'), node('Flatten', 's', 'y')],
    });
    expect(operators(scoresAsMatrix(file))).toEqual(['Conv', 'Flatten', 'Gemm']);
  });

  it('are found behind what computes pixel by pixel', () => {
    const file = headed(node('Conv', 'a v b', 's'), pooled, node('Sigmoid', 'p', 'g'), node('Mul', 'p g', 'a'));
    expect(operators(scoresAsMatrix(file))).toContain('Gemm');
  });

  it.each([
    ['of several pixels', headed(node('Conv', 'c v', 's'))],
    ['of windows', headed(node('Conv', 'p wide', 's', { pads: [1, 1, 1, 1] }), pooled)],
    ['of groups', headed(node('Conv', 'p grouped', 's', { group: 2 }), pooled)],
  ])('are left as they are %s', (_, file) => {
    expect(operators(scoresAsMatrix(file))).toEqual(operators(file));
  });
});
