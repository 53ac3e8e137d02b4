import { defaultDecoding, headNames } from '../../../base/detections.js';
import { invalidInput } from '../../../base/errors.js';
import type { ModelMetadata } from '../../metadata.js';
import type { ByteRounding } from '../fixed-point.js';
import { innerEnds, planArena, type ArenaPlan } from '../plan.js';
import { givesMaps, numbersIn, type EdgeProgram, type EdgeTensor, type TensorId } from '../program.js';
import { imageShape, quantizationOf } from '../reference.js';
import { kernels, kernelCallsOf, usesScratch, type KernelName, type KernelCall } from './kernel-calls.js';
import { detectionCode } from './detection.js';
import type { MapCode } from './maps.js';
import { segmentationCode } from './segmentation.js';
import { array, float, ownFile, quoted } from './text.js';

export interface SourceOptions {
  readonly rounding?: ByteRounding;
}

/** What the header says of the network beside its program. */
export interface ModelFacts {
  readonly title: string;
  readonly classes?: readonly string[] | undefined;
  /** Per channel, of pixel / 255. */
  readonly mean?: readonly number[] | undefined;
  readonly std?: readonly number[] | undefined;
  /** How the maps of a detector become boxes. */
  readonly detection?: ModelMetadata['detection'];
}

/** The C of the maps; undefined for a program of one vector. A network that is only timed has no metadata. */
export function mapCodeOf(program: EdgeProgram, { detection }: ModelFacts): MapCode | undefined {
  if (!givesMaps(program)) return undefined;
  if (program.segmentation !== undefined) return segmentationCode(program, program.segmentation.stride);
  const [[height], [rows]] = [program.input, program.outputs[0]].map((id) => imageShape(program.tensors[id]));
  return detectionCode(program, detection ?? { stride: Math.round(height / rows), ...defaultDecoding });
}

const macroOf = (kernel: KernelName): string => `NAS_${kernel.toUpperCase().replace('-', '_')}`;
const functionOf = (kernel: KernelName): string => `nas_${kernel.replace('-', '_')}`;

/** A kernel that a macro of its name replaces. */
const kernelText = (kernel: KernelName): string => `
#ifndef ${macroOf(kernel)}
#define ${macroOf(kernel)} ${functionOf(kernel)}
${ownFile(`kernels/${kernel}.c`)}#else
void ${macroOf(kernel)}(const nas_layer *layer);
#endif
`;

/** Numbers of layers in the types that C has for them. */
function checkShorts({ label }: KernelCall, values: readonly number[]): readonly number[] {
  const large = values.find((value) => value !== (value << 16) >> 16);
  if (large !== undefined)
    throw invalidInput(`layer ${label}: ${large} is too large: the model in C has sizes up to 32767`);
  return values;
}

/** What both files of a model are made of. */
interface Written {
  readonly plan: ArenaPlan;
  readonly rounding: ByteRounding;
  readonly maps: MapCode | undefined;
}

/** `model.c`: kernels, constants, the arena and the list of layers. */
function modelSource(program: EdgeProgram, layers: readonly KernelCall[], { plan, rounding, maps }: Written): string {
  const { tensors } = program;
  const constants = new Map<TensorId, string>();
  const parts: string[] = [];
  const place = (offset: number): string => `arena.bytes + ${offset}`;
  const pointer = (id: TensorId, after = 0): string => {
    const offset = plan.offsets.get(id);
    if (offset !== undefined) return place(offset + after);
    const { data, name } = tensors[id];
    if (data === undefined) throw invalidInput(`tensor ${name} is read before it is computed`);
    const known = constants.get(id) ?? `tensor${id}`;
    if (!constants.has(id)) parts.push(array(`static const int8_t ${known}[]`, data));
    constants.set(id, known);
    return known;
  };
  const rows = layers.map((layer, n) => {
    const names = layer.constants.map(({ type, values }, k) => {
      const name = `layer${n}_${k}`;
      parts.push(array(`static const ${type} ${name}[]`, values()));
      return name;
    });
    const numbers = [...names, ...layer.words.values(), ...checkShorts(layer, layer.shorts.values())];
    parts.push(`static const ${kernels[layer.kernel]} layer${n} = {${numbers.join(', ')}};\n`);
    const scratch = usesScratch(layer, program) ? plan.scratch.get(layer.operator) : undefined;
    const places = [
      pointer(layer.a, layer.from),
      layer.b === undefined ? '0' : pointer(layer.b),
      pointer(layer.y, layer.to),
      scratch === undefined ? '0' : place(scratch),
    ];
    return `  {${macroOf(layer.kernel)}, &layer${n}, ${places.join(', ')}}, /* ${layer.label.replaceAll(/\*\//g, '')} */\n`;
  });
  const used = [...new Set(layers.map(({ kernel }) => kernel))].sort();
  const { input, outputs } = innerEnds(program);
  const functions = maps === undefined ? ['nas_output'] : headNames.detection.map((name) => `nas_${name}`);
  return `/* Written by nas export --to c. Replace a kernel with -DNAS_CONV=my_conv: see model.h. */
#include "model.h"

#define NAS_TFLM ${rounding === 'tflm' ? 1 : 0}
${ownFile('kernels/common.c')}${used.map(kernelText).join('')}
static union {
  int32_t alignment;
  int8_t bytes[NAS_ARENA_BYTES];
} arena;

${parts.join('')}
static const nas_layer layers[] = {
${rows.join('')}};

int8_t *nas_input(void) { return ${pointer(input)}; }

void nas_run(void) {
  for (int32_t i = 0; i < ${layers.length}; i++) layers[i].run(&layers[i]);
}

${outputs.map((id, i) => `const int8_t *${functions[i]}(void) { return ${pointer(id)}; }\n`).join('')}${maps?.source ?? ''}`;
}

/** A function from pixels of files to bytes of the input, in whole numbers. */
function pixelFunction({ mean, std }: ModelFacts, scale: number, zero: number): string {
  if (mean === undefined || std === undefined) return '';
  const factors = std.map((s) => 1 / (255 * s * scale));
  const starts = std.map((s, n) => zero - mean[n] / (s * scale));
  const largest = Math.max(...factors.map((factor, n) => 255 * factor + Math.abs(starts[n])));
  const bits = Math.max(1, Math.min(24, 29 - Math.ceil(Math.log2(largest))));
  const list = (values: readonly number[]): string => values.map((value) => Math.round(value * 2 ** bits)).join(', ');
  return `
/* A pixel of an image (0 to 255) as a byte of the input: (pixel / 255 - mean) / std, quantized. */
static inline int8_t nas_pixel(uint8_t pixel, int channel) {
  static const int32_t factor[] = {${list(factors)}};
  static const int32_t start[] = {${list(starts.map((start) => start + 0.5))}};
  const int32_t value = (pixel * factor[channel] + start[channel]) >> ${bits};
  return (int8_t)(value < -128 ? -128 : value > 127 ? 127 : value);
}
`;
}

function outputHeader(output: EdgeTensor): string {
  const { scales, zero } = quantizationOf(output);
  return `#define NAS_OUTPUT_BYTES ${numbersIn(output)}
#define NAS_OUTPUT_SCALE ${float(scales[0])}
#define NAS_OUTPUT_ZERO (${zero})
`;
}

const outputFunctions = `const int8_t *nas_output(void);
static inline int8_t nas_output_byte(int32_t i) { return nas_output()[i]; }
`;

/** `model.h`: sizes, scales, names, and the functions. */
function modelHeader(program: EdgeProgram, facts: ModelFacts, { plan, rounding, maps }: Written): string {
  const { tensors } = program;
  const ends = innerEnds(program);
  const input = tensors[ends.input];
  const [height, width, channels] = imageShape(input);
  const from = quantizationOf(input);
  const names = facts.classes?.map(quoted).join(', ');
  return `/*
 * ${facts.title.replaceAll('*/', '')}, in eight bits. Written by nas export --to c.
 *
 * Write the image to nas_input(): rows of pixels of channels, as bytes. Call nas_run(). ${maps === undefined ? 'Read nas_output().' : `Call ${maps.call}().`}
 * nas_run() overwrites the input. Rounding: ${
   rounding === 'exact' ? 'to the nearest' : 'twice, as TFLite Micro does by default'
 }.
 */
#ifndef NAS_MODEL_H
#define NAS_MODEL_H
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

#define NAS_INPUT_HEIGHT ${height}
#define NAS_INPUT_WIDTH ${width}
#define NAS_INPUT_CHANNELS ${channels}
#define NAS_INPUT_BYTES ${numbersIn(input)}
/* value = (byte - zero) * scale */
#define NAS_INPUT_SCALE ${float(from.scales[0])}
#define NAS_INPUT_ZERO (${from.zero})
${maps === undefined ? outputHeader(tensors[ends.outputs[0]]) : ''}${names === undefined ? '' : `#define NAS_NAMES {${names}}\n`}/* Memory that the model uses beside the stack, reserved in model.c. */
#define NAS_ARENA_BYTES ${plan.bytes}

int8_t *nas_input(void);
void nas_run(void);
${maps?.header ?? outputFunctions}${pixelFunction(facts, from.scales[0], from.zero)}
/*
 * For kernels of your own, such as CMSIS-NN's or ESP-NN's: compile model.c with -DNAS_CONV=my_conv, and define
 * void my_conv(const nas_layer *layer) elsewhere. Results lie over inputs: a kernel has to compute pixels from first to last.
 */
${ownFile('kernels/types.h')}
#ifdef __cplusplus
}
#endif
#endif
`;
}

/** An int8 program as `model.h` and `model.c`: C99 that needs stdint.h alone. */
export function cSources(
  program: EdgeProgram,
  facts: ModelFacts,
  { rounding = 'exact' }: SourceOptions = {},
): { readonly 'model.h': string; readonly 'model.c': string } {
  const written = { plan: planArena(program), rounding, maps: mapCodeOf(program, facts) };
  const layers = kernelCallsOf(program, rounding);
  return {
    'model.h': modelHeader(program, facts, written),
    'model.c': modelSource(program, layers, written),
  };
}
