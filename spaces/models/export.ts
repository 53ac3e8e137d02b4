import { exportFunction, type ExportOptions } from '../../compiler/index.js';
import { apply } from './apply.js';
import { weightsFrom, type Model } from './weights.js';

/**
 * A network as a portable ONNX file: input `input` float32 [N, height, width, channels], already normalised; output
 * `logits` [N, classes].
 * @throws Error when the weights are not those of the network
 */
export const toOnnx = ({ network, weights }: Model, options: ExportOptions = {}): Uint8Array =>
  exportFunction(
    (images) => apply(network, weightsFrom(weights), images, { training: false }).logits,
    network.input,
    options,
  );
