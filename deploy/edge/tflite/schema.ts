/**
 * The parts of TFLite's file format that programs need, as numbers: npm has no package with the schema
 * (https://github.com/google-ai-edge/LiteRT/blob/main/tflite/schema/schema.fbs). A table of a FlatBuffer has its fields in
 * numbered slots.
 */
import type { Element } from '../program.js';

/** The file's version and its four letters. */
export const fileVersion = 3;
export const fileIdentifier = 'TFL3';

/** TensorType. */
export const elementCodes: { readonly [K in Element]: number } = { float32: 0, int32: 2, int8: 9 };

/** Tables: the slot of each field, and how many slots there are. */
export const tables = {
  Model: { slots: 7, version: 0, operatorCodes: 1, subgraphs: 2, description: 3, buffers: 4, metadata: 6 },
  OperatorCode: { slots: 4, oldCode: 0, version: 2, code: 3 },
  SubGraph: { slots: 5, tensors: 0, inputs: 1, outputs: 2, operators: 3, name: 4 },
  Operator: { slots: 5, code: 0, inputs: 1, outputs: 2, optionsType: 3, options: 4 },
  Tensor: { slots: 5, shape: 0, type: 1, buffer: 2, name: 3, quantization: 4 },
  QuantizationParameters: { slots: 7, scale: 2, zeroPoint: 3, axis: 6 },
  Buffer: { slots: 1, data: 0 },
  Metadata: { slots: 2, name: 0, buffer: 1 },
} as const;

/** The largest code of an operator that old readers know; they read it from a slot of one byte. */
export const largestOldCode = 127;

/** A field of an operator's options: its slot, its type, and the value that is not written. */
interface OptionField {
  readonly slot: number;
  readonly type: 'Int8' | 'Int32' | 'Float32';
  readonly otherwise: number;
}

const byte = (slot: number): OptionField => ({ slot, type: 'Int8', otherwise: 0 });
const int = (slot: number, otherwise = 0): OptionField => ({ slot, type: 'Int32', otherwise });
const float = (slot: number): OptionField => ({ slot, type: 'Float32', otherwise: 0 });

/** An operator of the format. */
interface Builtin {
  /** BuiltinOperator. */
  readonly code: number;
  /** Version of the operator that has bytes; floats have version 1. */
  readonly bytes: number;
  /** BuiltinOptions, and their fields. */
  readonly options?: { readonly type: number; readonly fields: Readonly<Record<string, OptionField>> };
}

export const builtins = {
  ADD: { code: 0, bytes: 2, options: { type: 11, fields: { clip: byte(0) } } },
  AVERAGE_POOL_2D: { code: 1, bytes: 2, options: pool() },
  CONCATENATION: { code: 2, bytes: 2, options: { type: 10, fields: { axis: int(0), clip: byte(1) } } },
  CONV_2D: {
    code: 3,
    bytes: 3,
    options: {
      type: 1,
      fields: { ...sliding(), clip: byte(3), dilationW: int(4, 1), dilationH: int(5, 1) },
    },
  },
  DEPTHWISE_CONV_2D: {
    code: 4,
    bytes: 3,
    options: {
      type: 2,
      fields: { ...sliding(), multiplier: int(3), clip: byte(4), dilationW: int(5, 1), dilationH: int(6, 1) },
    },
  },
  DEQUANTIZE: { code: 6, bytes: 2 },
  HARD_SWISH: { code: 117, bytes: 1 },
  LEAKY_RELU: { code: 98, bytes: 2, options: { type: 75, fields: { slope: float(0) } } },
  LOGISTIC: { code: 14, bytes: 2 },
  MAX_POOL_2D: { code: 17, bytes: 2, options: pool() },
  MEAN: { code: 40, bytes: 2, options: { type: 27, fields: { keepAxes: byte(0) } } },
  MUL: { code: 18, bytes: 2, options: { type: 21, fields: { clip: byte(0) } } },
  PAD: { code: 34, bytes: 2 },
  PADV2: { code: 60, bytes: 2 },
  QUANTIZE: { code: 114, bytes: 2 },
  RELU: { code: 19, bytes: 2 },
  RELU6: { code: 21, bytes: 2 },
  RESHAPE: { code: 22, bytes: 1 },
  // Without options: the neighbour above and to the left of a pixel.
  RESIZE_NEAREST_NEIGHBOR: { code: 97, bytes: 2 },
  SLICE: { code: 65, bytes: 2 },
  SOFTMAX: { code: 25, bytes: 2, options: { type: 9, fields: { beta: float(0) } } },
  TANH: { code: 28, bytes: 2 },
  TRANSPOSE: { code: 39, bytes: 2 },
} as const satisfies Record<string, Builtin>;

export type BuiltinName = keyof typeof builtins;
export const builtinOf = (name: BuiltinName): Builtin => builtins[name];

function sliding() {
  return { padding: byte(0), strideW: int(1), strideH: int(2) };
}

function pool() {
  return { type: 5, fields: { ...sliding(), width: int(3), height: int(4), clip: byte(5) } } as const;
}

/** Padding, and ActivationFunctionType. */
export const paddings = { same: 0, valid: 1 } as const;
export const clippings = { none: 0, relu: 1, relu6: 3 } as const;
