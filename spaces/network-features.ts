import { costs } from './costs.js';
import type { Layer } from './layer.js';
import { layersOf } from './layers.js';
import type { Network } from './network.js';

/** Feature maps are grouped by how often the image's height has been halved. */
const levels = 5;

/** Sums of the convolutions of one kind, in which each counts by its multiply-accumulates. */
class Weighted {
  private macs = 0;
  private readonly sums = { kernel: 0, channels: 0, growth: 0 };
  count = 0;

  add({ input, output }: Layer, kernel: number, macs: number): void {
    this.count++;
    this.macs += macs;
    this.sums.kernel += macs * kernel;
    this.sums.channels += macs * Math.log2(output[2]);
    this.sums.growth += macs * Math.log2(output[2] / input[2]);
  }

  /** Number, then mean kernel, log2 of the channels and log2 of output by input channels. */
  features(): number[] {
    const total = this.macs || 1;
    return [this.count, this.sums.kernel / total, this.sums.channels / total, this.sums.growth / total];
  }
}

/**
 * Numbers that describe a network as a whole: size (logarithms of multiply-accumulates, parameters, memory and input),
 * how many convolutions of which kernels and widths, residual sums and gates, and how parameters and work are spread
 * over the resolutions. Always as many, whatever the network.
 */
export function networkFeatures(network: Network): number[] {
  const layers = layersOf(network);
  const total = costs(network);
  const [height] = network.input;
  const [full, depthwise] = [new Weighted(), new Weighted()];
  const work = new Float64Array(levels);
  const depth = new Float64Array(levels);
  for (const [i, layer] of layers.entries()) {
    if (layer.kind !== 'conv' && layer.kind !== 'depthwise') continue;
    const { macs } = total.layers[i];
    (layer.kind === 'conv' ? full : depthwise).add(layer, layer.kernel, macs);
    const level = Math.min(levels - 1, Math.max(0, Math.round(Math.log2(height / layer.output[0]))));
    work[level] += macs / Math.max(1, total.macs);
    depth[level]++;
  }
  const count = (kind: Layer['kind']): number => layers.filter((layer) => layer.kind === kind).length;
  const logits = layers.findLast(({ kind }) => kind === 'dense');
  return [
    ...[total.macs, total.params, total.activationBytes, total.trafficBytes, height].map((value) =>
      Math.log(1 + value),
    ),
    ...full.features(),
    ...depthwise.features(),
    ...work,
    ...depth,
    count('add'),
    count('multiply'),
    count('avg_pool'),
    Math.log2(1 + (logits?.input[2] ?? 0)),
  ];
}
