import type * as tf from '@tensorflow/tfjs-core';
import {
  compile,
  compileInference,
  type CompileOptions,
  type Feed,
  type HostTensor,
  type InferenceProgram,
  type InputSpec,
  type Program,
  StateStore,
  type Target,
  type TracedFunction,
} from '../../compiler/index.js';
import { averageDecay, type AverageConfig } from '../optimizers/index.js';
import type { EngineState, TrainingEngine, Update } from './engine.js';
import { type BatchInputs, noiseSeed, type NetworkProgram } from './network-program.js';
import { rowsOf } from './trainable.js';
import type { UpdateInputs } from './variables.js';

export interface CompiledOptions {
  readonly target: Target;
  /** Images in each training batch; fixed in the compiled step. */
  readonly batch: number;
}

type Inputs = Readonly<Record<string, tf.Tensor>>;

/** The batch among the inputs of a function. */
const batchOf = ({ images, labels, ...others }: Inputs): BatchInputs => ({
  images,
  labels,
  ...('teacher' in others ? { teacher: others['teacher'] } : {}),
});

/** The scalars of an update among the inputs of a function. */
export const updateOf = ({ learningRate, ...others }: Inputs): UpdateInputs => ({
  learningRate,
  ...('averageDecay' in others ? { averageDecay: others['averageDecay'] } : {}),
});

/** Specifications of the update's inputs. */
export const updateInputs = (ema: number): Record<string, InputSpec> => ({
  learningRate: { shape: [] },
  ...(ema > 0 ? { averageDecay: { shape: [] } } : {}),
});

/** Values of the update's inputs. */
export const updateFeeds = (average: AverageConfig, learningRate: number, step: number): Record<string, Feed> => ({
  learningRate,
  ...(average.ema > 0 ? { averageDecay: averageDecay(step, average) } : {}),
});

/** The programs of one training on shared states: a step with a fixed batch size, and evaluation with any. */
export class CompiledTraining {
  readonly states = new StateStore();

  constructor(
    private readonly program: NetworkProgram,
    private readonly options: CompiledOptions,
  ) {}

  /** The step as a function of tensors, with its inputs. */
  step(): { readonly fn: TracedFunction; readonly inputs: Readonly<Record<string, InputSpec>> } {
    const { spec, needsTeacherLogits } = this.program;
    const { batch: size } = this.options;
    const { targets, outputs } = rowsOf(spec.network);
    return {
      fn: (inputs) => {
        const { loss, correct } = this.program.step({ ...batchOf(inputs), ...updateOf(inputs) });
        return { loss, correct };
      },
      inputs: {
        images: { shape: [size, ...spec.network.input] },
        labels: { shape: [size, ...targets] },
        ...(needsTeacherLogits ? { teacher: { shape: [size, ...outputs] } } : {}),
        ...updateInputs(spec.ema),
      },
    };
  }

  compileStep(): Promise<Program> {
    const { fn, inputs } = this.step();
    return compile(fn, inputs, { ...this.common(), loop: this.options.target.stepsAtOnce > 1 });
  }

  compileEvaluation(): InferenceProgram {
    return compileInference(
      ({ images }) => ({ logits: this.program.evaluate(images) }),
      { images: { shape: [null, ...this.program.spec.network.input] } },
      this.common(),
    );
  }

  /** Values of the step's inputs. @throws Error when the loss needs teacher logits and the batch has none */
  feeds({ batch, learningRate }: Update, step: number): Record<string, Feed> {
    const { images, labels, teacher } = batch;
    const { spec, needsTeacherLogits } = this.program;
    if (needsTeacherLogits && teacher === null) throw new Error('the batch has no teacher logits');
    return {
      images,
      labels,
      ...updateFeeds(spec, learningRate, step),
      ...(needsTeacherLogits && teacher !== null ? { teacher } : {}),
    };
  }

  private common(): CompileOptions & { readonly states: StateStore } {
    return {
      target: this.options.target,
      states: this.states,
      seed: noiseSeed(this.program.spec),
      // The step is deterministic; tests compare it with TF.js itself.
      checkDeterminism: false,
    };
  }
}

/** Compiles a network program to ONNX. */
export async function createCompiledEngine(program: NetworkProgram, options: CompiledOptions): Promise<TrainingEngine> {
  const compiled = new CompiledTraining(program, options);
  const { states } = compiled;
  const training = await compiled.compileStep();
  const evaluation = compiled.compileEvaluation();

  return {
    kind: 'compiled',
    name: `compiled (ONNX Runtime ${options.target.provider})`,
    stepsAtOnce: options.target.stepsAtOnce,
    async train(updates, step) {
      const feeds = updates.map((update, i) => compiled.feeds(update, step + i));
      const results = await training.runSteps(feeds, step);
      return results.map(({ loss, correct }) => ({
        loss: floats(loss, 'loss')[0],
        correct: floats(correct, 'correct')[0],
      }));
    },
    async evaluate(images) {
      const { logits } = await evaluation.run({ images });
      return floats(logits, 'logits').slice();
    },
    state: () => readStates(states, program.states),
    load: (state) => writeStates(states, program.states, state),
    async dispose() {
      await training.dispose();
      await evaluation.dispose();
      program.dispose();
    },
  };
}

/** The numbers of an output or state. */
export function floats(value: HostTensor | undefined, name: string): Float32Array {
  if (!(value?.data instanceof Float32Array)) throw new Error(`the compiled program gave no ${name}`);
  return value.data;
}

/** A copy of a store's values by the names of `variables`. */
export async function readStates(store: StateStore, variables: ReadonlyMap<string, tf.Variable>): Promise<EngineState> {
  const values = await store.snapshot();
  return new Map(
    [...variables].map(([name, variable]) => {
      const data = floats(values.get(variable.name), name).slice();
      return [name, { shape: variable.shape, data }];
    }),
  );
}

/** Sets all variables in a store. @throws Error, before any change, when names or shapes differ */
export async function writeStates(
  store: StateStore,
  variables: ReadonlyMap<string, tf.Variable>,
  state: EngineState,
): Promise<void> {
  const values = new Map<string, HostTensor>();
  for (const [name, variable] of variables) {
    const value = state.get(name);
    if (value === undefined) throw new Error(`there is no value for ${name}`);
    if (String(value.shape) !== String(variable.shape))
      throw new Error(`${name} has shape [${value.shape}], expected [${variable.shape}]`);
    values.set(variable.name, { dtype: 'float32', shape: value.shape, data: value.data });
  }
  await store.restore(values);
}
