import type * as tf from '@tensorflow/tfjs-core';
export type Tensors = Readonly<Record<string, tf.Tensor>>;
