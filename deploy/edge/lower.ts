import { invalidInput } from '../../base/errors.js';
import { intsOf, parseOnnx, readGraph, type OnnxFile, type OnnxGraph } from '../../compiler/index.js';
import { outputRangeIn } from '../quantize/output-range.js';
import { metadataIn } from '../metadata.js';
import { prepare } from '../quantize/prepare/index.js';
import { Lowering, type LowerOptions } from './lower-graph.js';
import { lowerings } from './lower-rules.js';
import type { EdgeProgram } from './program.js';

export type { LowerOptions } from './lower-graph.js';

/**
 * The program of an ONNX classifier: of a float32 file of any program, or of an int8 file of `nas quantize` (QuantizeLinear and
 * DequantizeLinear around each operator). Bytes become signed ones; weights stay as they are.
 * @param where what errors call the file
 * @throws NasError `invalid-input` naming the layer and its operator where there is no such program
 */
export function lowerOnnx(model: Uint8Array, where: string, options: LowerOptions = {}): EdgeProgram {
  const file = parseOnnx(model, where);
  const isQuantized = file.graph.node.some(({ opType }) => opType === 'QuantizeLinear');
  if (!isQuantized && options.io === 'int8')
    throw invalidInput(`${where} computes in float32: it takes and gives float32, not int8`, {
      hint: 'Make it int8 (a network of a run with --precision int8, a file with nas quantize), or leave --io out.',
    });
  const graph = isQuantized ? readGraph(file) : prepare(file, where, 'exported');
  const lowering = new Lowering(graph, where, {
    range: outputRangeIn(file),
    layout: layoutOf(file, graph),
    ...options,
  });
  const input = lowering.readInput();
  for (const node of lowering.nodes()) {
    const rule = Object.hasOwn(lowerings, node.op) ? lowerings[node.op] : undefined;
    if (rule === undefined) throw lowering.refusal(node, 'is an operator that programs do not have');
    rule(node, lowering);
  }
  return { ...lowering.finish(input), segmentation: metadataIn(file, where).segmentation };
}

/** The order of the input's axes: as the metadata say, otherwise channels last where the graph transposes them before it convolves. */
function layoutOf({ metadataProps }: OnnxFile, { inputs, nodes }: OnnxGraph): string {
  const said = metadataProps.find(({ key }) => key === 'layout')?.value;
  const first = nodes.find(({ op }) => op === 'Conv' || op === 'Transpose');
  // Images of one channel are reshaped, not transposed.
  const [, second, , last] = inputs[0].shape;
  const isNhwc = (first && intsOf(first, 'perm')?.join() === '0,3,1,2') || (last === 1 && second !== 1);
  return said ?? (isNhwc ? 'NHWC' : 'NCHW');
}
