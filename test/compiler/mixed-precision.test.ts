import { describe, expect, it } from 'vitest';
import {
  float,
  type Graph,
  GraphBuilder,
  ints,
  optimizerOrigin,
  printGraph,
  verifyGraph,
} from '../../compiler/graph/index.js';
import { mixedPrecision } from '../../compiler/passes/mixed-precision.js';

/** The verified graph in mixed precision, from an image `x` and a filter `w`. */
function halved(make: (builder: GraphBuilder, x: string, w: string) => void, longestSum = 2048): Graph {
  const builder = new GraphBuilder();
  make(builder, builder.input('x', [1, 4, 6, 6], 'float32'), builder.input('w', [4, 4, 3, 3], 'float32'));
  const graph = mixedPrecision(builder.finish(), longestSum);
  verifyGraph(graph);
  return graph;
}

/** The type of the first result of an operator. */
const typeOf = ({ nodes, types }: Graph, operator: string): string | undefined =>
  types.get(nodes.find(({ op }) => op === operator)?.outputs[0] ?? '')?.dtype;

const conv = (b: GraphBuilder, x: string, w: string): string => b.emit('Conv', [x, w], { pads: ints([1, 1, 1, 1]) });
const mean = (b: GraphBuilder, x: string): string => b.emit('ReduceMean', [x, b.integers([0, 2, 3])]);

describe('mixed precision', () => {
  it('computes products in float16 and sums in float32; ports stay float32', () => {
    const graph = halved((b, x, w) => b.output('sums', mean(b, b.emit('Relu', [conv(b, x, w)]))));
    expect(printGraph(graph)).toMatchInlineSnapshot(`
      "graph(x: float32[1,4,6,6], w: float32[4,4,3,3])
        %0: float16[1,4,6,6] = Cast(x) {to=10}
        %1: float16[4,4,3,3] = Cast(w) {to=10}
        %2: float16[1,4,6,6] = Conv(%0, %1) {pads=[1,1,1,1]}
        %3: float32[1,4,6,6] = Cast(%2) {to=1}
        %4: float32[1,4,6,6] = Relu(%3)
        sums: float32[1,4,1,1] = ReduceMean(%4, int64[3]{0,2,3})
        return sums"
    `);
  });

  it('computes products in float32 for the optimizer', () => {
    const square = (b: GraphBuilder, x: string): string => b.emit('MatMul', [x, x]);
    const inNetwork = halved((b, x) => b.output('y', square(b, x)));
    const inOptimizer = halved((b, x) =>
      b.output(
        'y',
        b.attributed(optimizerOrigin, () => square(b, x)),
      ),
    );
    expect([inNetwork, inOptimizer].map((graph) => typeOf(graph, 'MatMul'))).toEqual(['float16', 'float32']);
  });

  it('casts a value once for all its consumers, and never back and forth', () => {
    const graph = halved((b, x, w) => {
      const y = b.emit('Relu', [conv(b, x, w)]);
      const centred = b.emit('Sub', [y, mean(b, y)]);
      b.output('variance', mean(b, b.emit('Mul', [centred, centred])));
      b.output('z', mean(b, conv(b, b.emit('Sub', [y, centred]), w)));
    });
    expect(printGraph(graph)).toMatchInlineSnapshot(`
      "graph(x: float32[1,4,6,6], w: float32[4,4,3,3])
        %0: float16[1,4,6,6] = Cast(x) {to=10}
        %1: float16[4,4,3,3] = Cast(w) {to=10}
        %2: float16[1,4,6,6] = Conv(%0, %1) {pads=[1,1,1,1]}
        %3: float16[1,4,6,6] = Relu(%2)
        %4: float32[1,4,6,6] = Cast(%3) {to=1}
        %5: float32[1,4,1,1] = ReduceMean(%4, int64[3]{0,2,3})
        %6: float16[1,4,1,1] = Cast(%5) {to=10}
        %7: float16[1,4,6,6] = Sub(%3, %6)
        %8: float32[1,4,6,6] = Cast(%7) {to=1}
        %9: float32[1,4,6,6] = Mul(%8, %8)
        variance: float32[1,4,1,1] = ReduceMean(%9, int64[3]{0,2,3})
        %10: float16[1,4,6,6] = Sub(%3, %7)
        %11: float16[1,4,6,6] = Conv(%10, %1) {pads=[1,1,1,1]}
        %12: float32[1,4,6,6] = Cast(%11) {to=1}
        z: float32[1,4,1,1] = ReduceMean(%12, int64[3]{0,2,3})
        return variance, z"
    `);
  });

  it('moves values in float16, and casts a state before it is split', () => {
    const graph = halved((b, x, w) => {
      const [one, two] = b.emitAll('Split', [w, b.integers([2, 2])], {}, 2);
      const y = conv(b, x, b.emit('Concat', [two, one], { axis: { kind: 'int', value: 0 } }));
      b.output('y', mean(b, conv(b, b.emit('Transpose', [y], { perm: ints([0, 1, 3, 2]) }), w)));
    });
    expect(graph.nodes.map(({ op, outputs }) => `${op} ${graph.types.get(outputs[0])?.dtype}`)).toMatchInlineSnapshot(`
      [
        "Cast float16",
        "Cast float16",
        "Split float16",
        "Concat float16",
        "Conv float16",
        "Transpose float16",
        "Conv float16",
        "Cast float32",
        "ReduceMean float32",
      ]
    `);
  });

  it('keeps sums of too many products in float32', () => {
    const product = (longest: number) =>
      typeOf(
        halved((b, x, w) => b.output('y', conv(b, x, w)), longest),
        'Conv',
      );
    expect([product(36), product(35)]).toEqual(['float16', 'float32']);
  });

  it('keeps products in float32 if float16 cannot represent a factor', () => {
    const scaledBy = (factor: number): string | undefined => {
      const graph = halved((b, x, w) => b.output('y', conv(b, b.emit('Mul', [conv(b, x, w), b.scalar(factor)]), w)));
      return typeOf(graph, 'Mul');
    };
    expect([0, 0.1, -65504].map(scaledBy)).toEqual(['float16', 'float16', 'float16']);
    expect([65505, 1e-8].map(scaledBy)).toEqual(['float32', 'float32']);
  });

  it('normalises in float16 if batch normalisation only scales and shifts', () => {
    const typeWith = (variance: number): string | undefined => {
      const graph = halved((b, x, w) => {
        const vector = (value: number): string => b.addConstant(new Float32Array(4).fill(value), [4], 'float32');
        const inputs = [conv(b, x, w), vector(3), vector(4), vector(0), vector(variance)];
        b.output('y', conv(b, b.emit('BatchNormalization', inputs, { epsilon: float(0) }), w));
      });
      return typeOf(graph, 'BatchNormalization');
    };
    expect([typeWith(1), typeWith(0.5)]).toEqual(['float16', 'float32']);
  });
});
