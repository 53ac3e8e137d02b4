import * as tf from '@tensorflow/tfjs-core';
import { compile } from '../../compiler/index.js';
import { channelGroups, type Network, type WeightAxis } from '../../spaces/index.js';
import { apply, weightsFrom, weightVariables, type Model } from '../../spaces/models/index.js';
import { activateBackend, onProcessor, targetBeside, type EngineChoice } from '../engines/index.js';
import { crossEntropy } from '../losses/index.js';

/** One labelled batch: normalised images as the network takes them, and soft labels. */
export interface LabelledBatch {
  readonly images: Float32Array;
  readonly labels: Float32Array;
}

/** Gives, for each group of channels, the derivative of a batch's loss by a gate on each of its channels. */
export interface GateGradients {
  of(batch: LabelledBatch): Promise<ReadonlyMap<string, Float32Array>>;
  close(): Promise<void>;
}

export interface GradientOptions {
  /** Where the network trains; beside an eager engine they are computed on the processor. */
  readonly engine: EngineChoice;
  readonly threads: number;
}

/** Sums over all axes but one. */
const along = (x: tf.Tensor, axis: number): tf.Tensor =>
  tf.sum(
    x,
    x.shape.map((_, i) => i).filter((i) => i !== axis),
  );

/**
 * The derivatives of the loss by gates that multiply the channels of each group wherever they are read, at 1: the sum of
 * gradient times activation over all that reads them (Molchanov et al. 2017). It is the sum of gradient times weight over
 * the weights that read a channel, so that one pass gives those of all groups, and no map is touched.
 */
function gates(
  network: Network,
  weights: ReadonlyMap<string, tf.Variable>,
  images: tf.Tensor,
  labels: tf.Tensor,
): Record<string, tf.Tensor> {
  const variable = (name: string): tf.Variable => {
    const found = weights.get(name);
    if (found === undefined) throw new Error(`there is no value for ${name}`);
    return found;
  };
  const reading = channelGroups(network).map(({ name, axes }) => ({
    name,
    axes: axes.filter(({ role }) => role === 'reads'),
  }));
  const readers = [...new Set(reading.flatMap(({ axes }) => axes.map(({ weight }) => weight)))].map(variable);
  const { grads } = tf.variableGrads(() => {
    const { logits } = apply(network, weightsFrom(weights), images, { training: false });
    return tf.reshape<tf.Rank.R0>(crossEntropy(labels, logits), []);
  }, readers);
  const gate = ({ weight, axis }: WeightAxis): tf.Tensor =>
    along(tf.mul(variable(weight), grads[variable(weight).name]), axis);
  return Object.fromEntries(reading.map(({ name, axes }) => [name, tf.addN(axes.map(gate))]));
}

/**
 * Compiles one program for batches of this size, of the network as it is deployed: batch norm by its moving statistics,
 * no dropout.
 */
export async function gateGradients(
  model: Model,
  batch: number,
  { engine, threads }: GradientOptions,
): Promise<GateGradients> {
  const { network } = model;
  await activateBackend(onProcessor);
  const weights = weightVariables(model);
  try {
    const program = await compile(
      ({ images, labels }: Record<string, tf.Tensor>) => gates(network, weights, images, labels),
      { images: { shape: [batch, ...network.input] }, labels: { shape: [batch, network.classes] } },
      // The function is our own code on trained layers; tests compare it with finite differences.
      { target: await targetBeside(engine, { threads }), checkDeterminism: false },
    );
    return {
      async of({ images, labels }) {
        const outputs = await program.run({ images, labels });
        return new Map(Object.entries(outputs).map(([name, { data }]) => [name, Float32Array.from(data)]));
      },
      async close() {
        await program.dispose();
        tf.dispose([...weights.values()]);
      },
    };
  } catch (error) {
    tf.dispose([...weights.values()]);
    throw error;
  }
}
