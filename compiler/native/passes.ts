import { rowsOf } from '../graph/index.js';

/**
 * Passes of the native library (`native/nas.h`, which says what each field and operation means) over buffers that have no address
 * yet. Buffers are compared by identity.
 */

/** Operations, in the library's order. */
export const ops = [
  ...(['IMAGES_FORWARD', 'IMAGES_BACKWARD', 'PRODUCT_FORWARD', 'PRODUCT_BACKWARD', 'CONV_FORWARD'] as const),
  ...(['CONV_BACKWARD', 'DEPTHWISE_FORWARD', 'DEPTHWISE_BACKWARD', 'EXPAND_FORWARD', 'EXPAND_BACKWARD'] as const),
  ...(['AFFINE', 'SUM', 'PASS_BACKWARD', 'MEAN_FORWARD', 'MEAN_BACKWARD', 'MAX_FORWARD', 'MAX_BACKWARD'] as const),
  ...(['SQUEEZE_FORWARD', 'SQUEEZE_BACKWARD', 'POOL_FORWARD', 'POOL_BACKWARD', 'DOUBLE_FORWARD'] as const),
  ...(['DOUBLE_BACKWARD', 'MAP_FORWARD', 'MAP_BACKWARD', 'PACK', 'PACK_DEPTHWISE', 'UNPACK'] as const),
  ...(['UNPACK_DEPTHWISE', 'NORM', 'NORM_INFERENCE', 'NORM_BACKWARD', 'EXPAND_FOLD'] as const),
  ...(['EXPAND_FOLD_INFERENCE', 'EXPAND_FOLD_BACKWARD', 'SQUEEZE_UNPACK', 'SGD', 'ADAMW', 'MUON'] as const),
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
  ...rowsOf('integer', 'group', 'cin', 'cout', 'h', 'w', 'oh', 'ow', 'kernel', 'stride', 'pad_top', 'pad_left'),
  ...rowsOf('memory', 'x', 'x_norm'),
  x_act: 'act',
  ...rowsOf('memory', 'x_gate', 'x2', 'x2_norm'),
  x2_act: 'act',
  ...rowsOf('memory', 'y', 'y_sums', 'weights', 'weights_back', 'source'),
  ...rowsOf('integer', 'source_in', 'source_out', 'groups', 'source_group', 'source_kernel', 'winograd'),
  ...rowsOf('memory', 'dweights', 'dsource', 'g', 'g_norm', 'gx'),
  gx_first: 'integer',
  ...rowsOf('memory', 'add0', 'add1', 's0', 's0_z', 's1', 's1_z', 'stats', 'gamma', 'beta', 'moving_mean'),
  ...rowsOf('memory', 'moving_variance', 'dgamma', 'dbeta'),
  count: 'integer',
  ...rowsOf('float', 'epsilon', 'momentum'),
  expanded: 'integer',
  e_act: 'act',
  e_source: 'memory',
  ...rowsOf('integer', 'e_source_in', 'e_source_out'),
  ...rowsOf('memory', 'e_dsource', 'e_weights', 'e_weights_back', 'e_dweights', 'e_norm', 'e_stats', 'e_gamma'),
  ...rowsOf('memory', 'e_beta', 'e_moving_mean', 'e_moving_variance', 'e_dgamma', 'e_dbeta', 'e_sums', 'moments'),
  ...rowsOf('memory', 'affine'),
  squeezed: 'integer',
  ...rowsOf('act', 'squeeze_act', 'gate_act'),
  ...rowsOf('memory', 'pooled', 'hidden', 'reduce', 'reduce_bias', 'expand', 'expand_bias', 'dreduce', 'dreduce_bias'),
  ...rowsOf('memory', 'dexpand', 'dexpand_bias', 'dhidden', 'dgate'),
  length: 'integer',
  ...rowsOf('memory', 'value', 'gradient', 'slot0', 'slot1', 'average', 'scalars'),
  iterations: 'integer',
  ...rowsOf('float', 'f0', 'f1', 'f2', 'f3', 'f4'),
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
