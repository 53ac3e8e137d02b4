import {
  checkedAfter,
  encodeRead,
  intOf,
  isFixed,
  nodeLabel,
  parseOnnx,
  scopeOf,
  sizeOf,
  type OnnxGraph,
} from '../../compiler/index.js';
import type { Range, Ranges, WeightBits } from './numbers.js';
import { withOutputRange } from './output-range.js';
import { planOf, scoresAsMatrix, type FloatOperator, type Plan } from './plan.js';
import { prepare } from './prepare/index.js';
import { isOnePixel } from './prepare/values.js';
import { writeQuantized } from './write.js';

/** A float classifier in operators that have integer kernels, and the plan of their integer forms. */
export interface PreparedModel {
  /** The same values as the original model, up to float rounding. */
  readonly graph: OnnxGraph;
  readonly plan: Plan;
  /** What errors call the model. */
  readonly where: string;
}

/**
 * Prepares a float32 ONNX classifier, of this package or of others, to be quantized.
 * @param where what errors call it
 * @throws NasError `invalid-input` when it is no ONNX model, not float32, or quantized already
 */
export function prepareModel(model: Uint8Array, where: string): PreparedModel {
  const graph = checkedAfter("'scores as matrix'", scoresAsMatrix(prepare(parseOnnx(model, where), where)));
  return Object.freeze({ graph, plan: planOf(graph), where });
}

export interface QuantizedModel {
  /**
   * The model in QDQ form: static scales, activations of uint8, weights of int8 with a scale for each channel, biases of int32.
   * Input and output stay float32, and the metadata of the source are kept; added is the range of the scores (`output_range`).
   */
  readonly model: Uint8Array;
  /** Operators that still compute in float. */
  readonly floats: readonly FloatOperator[];
  /** Causes of lost speed in ONNX Runtime. */
  readonly warnings: readonly string[];
}

/** Quantizes a prepared model; the same ranges give the same bytes. */
export function quantizeModel(
  { graph, plan }: Pick<PreparedModel, 'graph' | 'plan'>,
  ranges: Ranges,
  { weightBits }: { readonly weightBits: WeightBits },
): QuantizedModel {
  const quantized = checkedAfter("'quantize'", writeQuantized(graph, plan, ranges, weightBits));
  const { source } = quantized;
  const described =
    source === undefined || plan.scores === null
      ? quantized
      : { ...quantized, source: withOutputRange(source, ranges.range(plan.scores)) };
  return { model: encodeRead(described), floats: plan.floats, warnings: channelWarnings(graph) };
}

/** Ranges of a network that was never run: each tensor has its own, as after a calibration, so that no change of scale vanishes. */
function anyRanges(): Ranges {
  const known = new Map<string, Range>();
  return {
    range(tensor) {
      const range = known.get(tensor) ?? [-4 - known.size / 8, 4 + known.size / 8];
      known.set(tensor, range);
      return range;
    },
  };
}

/**
 * An integer model that takes as long as the trained and calibrated one, but computes nothing useful: the time of integer
 * kernels does not depend on the scales. For timing networks with untrained weights; needs no images.
 * @throws NasError as `prepareModel`
 */
export const quantizeForTiming = (model: Uint8Array, where: string, weightBits: WeightBits = 8): Uint8Array =>
  quantizeModel(prepareModel(model, where), anyRanges(), { weightBits }).model;

/** Integer kernels process this many channels at once; a partial group takes as long. */
const channelsAtOnce = 16;

/** How many layers a warning names. */
const mostNamed = 3;

/** Warns of convolutions whose channels are not multiples of 16, and names the most expensive ones. */
export function channelWarnings(graph: OnnxGraph): string[] {
  const scope = scopeOf(graph);
  const convolutions = graph.nodes.filter(({ op }) => op === 'Conv');
  const odd = convolutions.flatMap((node) => {
    const { shape = [] } = graph.constants.get(node.inputs[1]) ?? {};
    const [output = 0, ingoing = 0, ...kernel] = shape;
    const input = ingoing * intOf(node, 'group', 1);
    // Convolutions of one pixel, as in squeeze-excite, take almost no time; the channels of images are given.
    if (shape.length === 0 || isOnePixel(scope.type(node.inputs[0])?.shape)) return [];
    if (output % channelsAtOnce === 0 && (input % channelsAtOnce === 0 || input < channelsAtOnce)) return [];
    const pixels = scope.type(node.outputs[0])?.shape.slice(2) ?? [];
    const products = sizeOf(shape) * (pixels.every(isFixed) ? sizeOf(pixels) : 1);
    return [{ label: `${nodeLabel(node)} (${input} to ${output} channels, ${kernel.join('x')})`, products }];
  });
  if (odd.length === 0) return [];
  const largest = odd.toSorted((a, b) => b.products - a.products).slice(0, mostNamed);
  const rest = odd.length > mostNamed ? `, and ${odd.length - mostNamed} more` : '';
  return [
    `${odd.length} of ${convolutions.length} convolutions have channels that are not multiples of ${channelsAtOnce}, ` +
      `which is slower in int8: ${largest.map(({ label }) => label).join(', ')}${rest}`,
  ];
}
