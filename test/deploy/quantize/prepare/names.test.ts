import { describe, expect, it } from 'vitest';
import { encodeRead, parseOnnx } from '../../../../compiler/index.js';
import { modelOf, node, type ModelText } from '../../../compiler/support/onnx-models.js';
import { preparing } from '../support/run.js';

const wave = (size: number) => Float32Array.from({ length: size }, (_, i) => Math.sin(i * 1.7));
const constants: NonNullable<ModelText['constants']> = {
  w: [[4, 3, 3, 3], wave(108)],
  m: [[5, 4], wave(20)],
  b: [[5], wave(5)],
};

/** A file whose nodes have the names of their outputs, as some exporters write it. */
const namedByOutput = ({ nodes, ...rest }: ModelText) =>
  modelOf({ ...rest, nodes: nodes.map((one) => ({ ...one, name: one.output[0] })) });

describe('names of nodes', () => {
  it('stay unique if nodes have the names of their outputs', async () => {
    const file = namedByOutput({
      constants,
      nodes: [
        node('Conv', 'x w', 'c'),
        node('ReduceMean', 'c', 'p', { axes: [2, 3], keepdims: 0 }),
        node('Gemm', 'p m b', 'g', { transB: 1 }),
        node('Relu', 'g', 'y'),
      ],
    });
    const { graph, difference } = await preparing(file);
    expect(difference).toBeLessThan(1e-5);
    const names = parseOnnx(encodeRead(graph)).graph.node.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});
