import { GraphBuilder, ints } from '../../graph/index.js';
import { encodeModel } from '../../onnx/model.js';

/** A small model for testing a runtime: one 3x3 convolution and a ReLU of [1, 4, 8, 8]. */
export function tinyModel(): Uint8Array {
  const builder = new GraphBuilder();
  const weights = Float32Array.from({ length: 4 * 4 * 3 * 3 }, (_, i) => ((i % 7) - 3) / 10);
  const features = builder.emit(
    'Conv',
    [builder.input('input', [1, 4, 8, 8], 'float32'), builder.addConstant(weights, [4, 4, 3, 3], 'float32')],
    { kernel_shape: ints([3, 3]) },
  );
  builder.output('output', builder.emit('Relu', [features]));
  return encodeModel(builder.finish(), { name: 'tiny' });
}
