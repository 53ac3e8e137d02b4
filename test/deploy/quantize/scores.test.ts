import { describe, expect, it } from 'vitest';
import { encodeRead, openOnnx, type OnnxGraph } from '../../../compiler/index.js';
import { scoresAsMatrix } from '../../../deploy/quantize/plan.js';
import { graphFrom, node, type ModelText, type NodeText } from '../../compiler/support/onnx-models.js';

const constants: NonNullable<ModelText['constants']> = {
  w: [[4, 3, 1, 1], Float32Array.from({ length: 12 }, (_, i) => Math.sin(i))],
  v: [[5, 4, 1, 1], Float32Array.from({ length: 20 }, (_, i) => Math.cos(i))],
  wide: [[5, 4, 3, 3], Float32Array.from({ length: 180 }, (_, i) => Math.cos(i))],
  grouped: [[6, 2, 1, 1], Float32Array.from({ length: 12 }, (_, i) => Math.cos(i))],
  b: [[5], Float32Array.of(1, 2, 3, 4, 5)],
};

const operators = ({ nodes }: OnnxGraph): string[] => nodes.map(({ op }) => op);

/** Outputs for two images of 6 by 6. */
async function outputs(graph: OnnxGraph): Promise<Float32Array> {
  const { run, close } = await openOnnx(encodeRead(graph), 'the model');
  const y = await run(
    Float32Array.from({ length: 216 }, (_, i) => Math.sin(i * 3)),
    [2, 3, 6, 6],
  );
  await close();
  return y;
}

const headed = (last: NodeText, ...before: readonly NodeText[]): OnnxGraph =>
  graphFrom({
    constants,
    input: ['N', 3, 6, 6],
    nodes: [node('Conv', 'x w', 'c'), ...before, last, node('Flatten', 's', 'y')],
  });

describe('scores as a matrix', () => {
  const pooled = node('GlobalAveragePool', 'c', 'p');

  /** A classifier with these nodes after its scores `f`. */
  const ended = (last: NodeText): OnnxGraph =>
    graphFrom({
      constants,
      input: ['N', 3, 6, 6],
      nodes: [node('Conv', 'x w', 'c'), pooled, node('Conv', 'p v b', 's'), node('Flatten', 's', 'f'), last],
    });

  it.each([
    ['with a bias', node('Conv', 'p v b', 's')],
    ['without one', node('Conv', 'p v', 's')],
  ])('equal the scores of a convolution of one pixel, %s', async (_, last) => {
    const graph = headed(last, pooled);
    const changed = scoresAsMatrix(graph);
    expect(operators(changed)).toEqual(['Conv', 'GlobalAveragePool', 'Flatten', 'Gemm']);
    const expected = await outputs(graph);
    (await outputs(changed)).forEach((y, i) => expect(y).toBeCloseTo(expected[i], 5));
  });

  it.each(['Softmax', 'LogSoftmax'])('are found before %s', async (operator) => {
    const graph = ended(node(operator, 'f', 'y'));
    const changed = scoresAsMatrix(graph);
    expect(operators(changed)).toEqual(['Conv', 'GlobalAveragePool', 'Flatten', 'Gemm', operator]);
    const expected = await outputs(graph);
    (await outputs(changed)).forEach((y, i) => expect(y).toBeCloseTo(expected[i], 5));
  });

  it('stay unchanged if other operators read them', () => {
    const activated = ended(node('Relu', 'f', 'y'));
    expect(operators(scoresAsMatrix(activated))).toEqual(operators(activated));
  });

  it('are found for images that convolutions shrink to one pixel', () => {
    const graph = graphFrom({
      constants,
      input: ['N', 3, 1, 1],
      nodes: [node('Conv', 'x w', 'c'), node('Conv', 'c v b', 's'), node('Flatten', 's', 'y')],
    });
    expect(operators(scoresAsMatrix(graph))).toEqual(['Conv', 'Flatten', 'Gemm']);
  });

  it('are found after elementwise operators', () => {
    const graph = headed(node('Conv', 'a v b', 's'), pooled, node('Sigmoid', 'p', 'g'), node('Mul', 'p g', 'a'));
    expect(operators(scoresAsMatrix(graph))).toContain('Gemm');
  });

  it.each([
    ['of several pixels', headed(node('Conv', 'c v', 's'))],
    ['of windows', headed(node('Conv', 'p wide', 's', { pads: [1, 1, 1, 1] }), pooled)],
    ['of groups', headed(node('Conv', 'p grouped', 's', { group: 2 }), pooled)],
  ])('stay unchanged %s', (_, graph) => {
    expect(operators(scoresAsMatrix(graph))).toEqual(operators(graph));
  });
});
