import type * as tf from '@tensorflow/tfjs-core';
import { compile, StateStore, type Feed, type HostTensor, type InputSpec } from '../../compiler/index.js';
import { averageDecay } from '../schedule.js';
import type { StateTensor } from '../tensor-file.js';
import type { TrainingEngine } from './engine.js';
import { noiseSeed, type StepInputs, type TrainingProgram } from './training-program.js';

export interface CompiledOptions {
  /** ONNX Runtime execution provider. */
  readonly provider: string;
  readonly threads: number;
  /** Images in each training batch; fixed in the compiled step. */
  readonly batch: number;
}

const floats = (output: HostTensor | undefined, name: string): Float32Array => {
  if (!(output?.data instanceof Float32Array)) throw new Error(`the compiled program gave no ${name}`);
  return output.data;
};

const inputOf = (inputs: Readonly<Partial<Record<string, tf.Tensor>>>, name: string): tf.Tensor => {
  const tensor = inputs[name];
  if (tensor === undefined) throw new Error(`the program has no input ${name}`);
  return tensor;
};

/** Compiles the training program to ONNX: one step with a fixed batch, and evaluation with any, on the same states. */
export async function createCompiledEngine(
  program: TrainingProgram,
  options: CompiledOptions,
): Promise<TrainingEngine> {
  const { spec } = program;
  const { batch: size, provider, threads } = options;
  const { classes } = spec.network;
  const [height, width, channels] = spec.network.input;
  const averages = spec.ema > 0;
  const teaches = program.needsTeacherLogits;
  const states = new StateStore();
  const common = {
    provider,
    threads,
    states,
    freeze: (variable: tf.Variable) => program.frozen.has(variable),
    seed: noiseSeed(spec),
    // The step is our own code on seeded layers; the engines' contract suite compares it with the eager engine.
    checkDeterminism: false,
  };
  const inputs: Record<string, InputSpec> = {
    images: { shape: [size, height, width, channels] },
    labels: { shape: [size, classes] },
    ...(teaches ? { teacher: { shape: [size, classes] } } : {}),
    learningRate: { shape: [] },
    ...(averages ? { averageDecay: { shape: [] } } : {}),
  };
  const training = await compile(
    (tensors) => {
      const given: StepInputs = {
        images: inputOf(tensors, 'images'),
        labels: inputOf(tensors, 'labels'),
        ...(teaches ? { teacher: inputOf(tensors, 'teacher') } : {}),
        learningRate: inputOf(tensors, 'learningRate'),
        ...(averages ? { averageDecay: inputOf(tensors, 'averageDecay') } : {}),
      };
      return program.step(given);
    },
    inputs,
    common,
  );
  const evaluation = await compile(
    (tensors) => ({ logits: program.evaluate(inputOf(tensors, 'images')) }),
    { images: { shape: [null, height, width, channels] } },
    common,
  );

  return {
    name: `compiled (ONNX Runtime ${provider})`,
    async step(batch, learningRate, step) {
      const feeds: Record<string, Feed> = {
        images: batch.images,
        labels: batch.labels,
        learningRate,
        ...(averages ? { averageDecay: averageDecay(step, spec.ema) } : {}),
      };
      if (teaches) {
        if (batch.teacher === null) throw new Error('the batch has no teacher logits');
        feeds['teacher'] = batch.teacher;
      }
      const { loss, correct } = await training.run(feeds, step);
      return { loss: floats(loss, 'loss')[0], correct: floats(correct, 'correct')[0] };
    },
    async evaluate(images) {
      const { logits } = await evaluation.run({ images });
      return floats(logits, 'logits').slice();
    },
    state() {
      const values = states.snapshot();
      const copy = (name: string, variable: tf.Variable): StateTensor => {
        const value = values.get(variable.name);
        return { shape: variable.shape, data: floats(value, name).slice() };
      };
      return new Map([...program.states].map(([name, variable]) => [name, copy(name, variable)]));
    },
    load(state) {
      const values = new Map<string, HostTensor>();
      for (const [name, variable] of program.states) {
        const value = state.get(name);
        if (value === undefined) throw new Error(`there is no value for ${name}`);
        if (String(value.shape) !== String(variable.shape))
          throw new Error(`${name} has shape [${value.shape}], expected [${variable.shape}]`);
        values.set(variable.name, { dtype: 'float32', shape: value.shape, data: value.data });
      }
      states.restore(values);
    },
    async dispose() {
      await training.dispose();
      await evaluation.dispose();
      program.dispose();
    },
  };
}
