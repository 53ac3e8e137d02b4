/**
 * Passes of the native library (`native/nas.h`, which says what each field and operation means) over buffers that have no address
 * yet. Buffers are compared by identity.
 */

/** Operations, in the library's order. */
export const ops = [
  'IMAGES_FORWARD',
  'IMAGES_BACKWARD',
  'PRODUCT_FORWARD',
  'PRODUCT_BACKWARD',
  'CONV_FORWARD',
  'CONV_BACKWARD',
  'DEPTHWISE_FORWARD',
  'DEPTHWISE_BACKWARD',
  'EXPAND_FORWARD',
  'EXPAND_BACKWARD',
  'AFFINE',
  'SUM',
  'PASS_BACKWARD',
  'MEAN_FORWARD',
  'MEAN_BACKWARD',
  'MAX_FORWARD',
  'MAX_BACKWARD',
  'SQUEEZE_FORWARD',
  'SQUEEZE_BACKWARD',
  'POOL_FORWARD',
  'POOL_BACKWARD',
  'DOUBLE_FORWARD',
  'DOUBLE_BACKWARD',
  'MAP_FORWARD',
  'MAP_BACKWARD',
  'PACK',
  'PACK_DEPTHWISE',
  'UNPACK',
  'UNPACK_DEPTHWISE',
  'NORM',
  'NORM_INFERENCE',
  'NORM_BACKWARD',
  'EXPAND_FOLD',
  'EXPAND_FOLD_INFERENCE',
  'EXPAND_FOLD_BACKWARD',
  'SQUEEZE_UNPACK',
  'SGD',
  'ADAMW',
  'MUON',
  'AVERAGE',
] as const;
export type Op = (typeof ops)[number];

/** Activations, in the library's order. */
export const acts = ['none', 'relu', 'relu6', 'hard_swish', 'swish', 'sigmoid', 'hard_sigmoid'] as const;
export type Act = (typeof acts)[number];

/** What a field holds: a whole number, the bits of a float, an activation, or a place in the arena. */
export type FieldKind = 'integer' | 'float' | 'act' | 'memory';

/** Fields after `op`, in the library's order. */
export const fields = {
  group: 'integer',
  cin: 'integer',
  cout: 'integer',
  h: 'integer',
  w: 'integer',
  oh: 'integer',
  ow: 'integer',
  kernel: 'integer',
  stride: 'integer',
  pad_top: 'integer',
  pad_left: 'integer',
  x: 'memory',
  x_norm: 'memory',
  x_act: 'act',
  x_gate: 'memory',
  x2: 'memory',
  x2_norm: 'memory',
  x2_act: 'act',
  y: 'memory',
  y_sums: 'memory',
  weights: 'memory',
  weights_back: 'memory',
  source: 'memory',
  source_in: 'integer',
  source_out: 'integer',
  groups: 'integer',
  source_group: 'integer',
  source_kernel: 'integer',
  winograd: 'integer',
  dweights: 'memory',
  dsource: 'memory',
  g: 'memory',
  g_norm: 'memory',
  gx: 'memory',
  gx_first: 'integer',
  add0: 'memory',
  add1: 'memory',
  s0: 'memory',
  s0_z: 'memory',
  s1: 'memory',
  s1_z: 'memory',
  stats: 'memory',
  gamma: 'memory',
  beta: 'memory',
  moving_mean: 'memory',
  moving_variance: 'memory',
  dgamma: 'memory',
  dbeta: 'memory',
  count: 'integer',
  epsilon: 'float',
  momentum: 'float',
  expanded: 'integer',
  e_act: 'act',
  e_source: 'memory',
  e_source_in: 'integer',
  e_source_out: 'integer',
  e_dsource: 'memory',
  e_weights: 'memory',
  e_weights_back: 'memory',
  e_dweights: 'memory',
  e_norm: 'memory',
  e_stats: 'memory',
  e_gamma: 'memory',
  e_beta: 'memory',
  e_moving_mean: 'memory',
  e_moving_variance: 'memory',
  e_dgamma: 'memory',
  e_dbeta: 'memory',
  e_sums: 'memory',
  moments: 'memory',
  affine: 'memory',
  squeezed: 'integer',
  squeeze_act: 'act',
  gate_act: 'act',
  pooled: 'memory',
  hidden: 'memory',
  reduce: 'memory',
  reduce_bias: 'memory',
  expand: 'memory',
  expand_bias: 'memory',
  dreduce: 'memory',
  dreduce_bias: 'memory',
  dexpand: 'memory',
  dexpand_bias: 'memory',
  dhidden: 'memory',
  dgate: 'memory',
  length: 'integer',
  value: 'memory',
  gradient: 'memory',
  slot0: 'memory',
  slot1: 'memory',
  average: 'memory',
  scalars: 'memory',
  iterations: 'integer',
  f0: 'float',
  f1: 'float',
  f2: 'float',
  f3: 'float',
  f4: 'float',
} as const satisfies Readonly<Record<string, FieldKind>>;
export type Field = keyof typeof fields;

/** Floats in the arena. */
export interface Buffer {
  /** For people; several buffers may have the same name. */
  readonly name: string;
  readonly floats: number;
  /** Whether its values stay between runs (inputs, outputs, states): it shares its memory with no other buffer. */
  readonly kept: boolean;
}

/** A part of a buffer. */
export interface Slice {
  readonly buffer: Buffer;
  /** First float in the buffer. */
  readonly from: number;
  readonly floats: number;
}

export type Memory = Buffer | Slice;

interface FieldValues {
  readonly integer: number;
  readonly float: number;
  readonly act: Act;
  readonly memory: Memory;
}

/** One pass. Fields that are left out are 0: no buffer, no activation. */
export type Pass = { readonly op: Op } & { readonly [F in Field]?: FieldValues[(typeof fields)[F]] };

/** A network for one batch size as passes from images to features and back; dense layers after the features are not part of it. */
export interface NativeNetwork {
  readonly passes: {
    /** Images to features, in training. */
    readonly forward: readonly Pass[];
    /** The gradient of the features to the gradients of all trained weights. */
    readonly backward: readonly Pass[];
    /** Images to features, with the moving statistics. */
    readonly inference: readonly Pass[];
  };
  /** [batch][height][width][channels]. */
  readonly images: Buffer;
  /** [batch][features], unpadded. */
  readonly features: Buffer;
  readonly featureGradients: Buffer;
  /** All weights of the network by name, with the weights of dense layers: slices of one kept buffer, in TF.js's layouts. */
  readonly weights: ReadonlyMap<string, Slice>;
  /** The gradients of all trained weights, by the same names; slices of one kept buffer. */
  readonly gradients: ReadonlyMap<string, Slice>;
}

/** A buffer, whole or a part, as a slice. */
export const sliceOf = (memory: Memory): Slice =>
  'buffer' in memory ? memory : { buffer: memory, from: 0, floats: memory.floats };
