import type * as tf from '@tensorflow/tfjs-core';
import {
  compile,
  compileInference,
  StateStore,
  type CompileOptions,
  type Feed,
  type HostTensor,
  type InferenceProgram,
  type InputSpec,
  type Program,
  type Target,
} from '../../compiler/index.js';
import { averageDecay } from '../schedule.js';
import type { StateTensor } from '../tensor-file.js';
import type { EngineBatch, TrainingEngine } from './engine.js';
import type { GradientSums } from './gradient-sums.js';
import {
  noiseSeed,
  type BatchInputs,
  type StepOutputs,
  type TrainingProgram,
  type UpdateInputs,
} from './training-program.js';

export interface CompiledOptions {
  readonly target: Target;
  /** Images in each training batch; fixed in the compiled step. */
  readonly batch: number;
}

const floats = (output: HostTensor | undefined, name: string): Float32Array => {
  if (!(output?.data instanceof Float32Array)) throw new Error(`the compiled program gave no ${name}`);
  return output.data;
};

type Inputs = Readonly<Record<string, tf.Tensor>>;

/** The loss and the right answers of a batch, as a program's outputs. */
const metrics = ({ loss, correct }: StepOutputs): Record<'loss' | 'correct', tf.Tensor> => ({ loss, correct });

/** The tensors of a batch among the inputs of a function. */
const batchOf = ({ images, labels, ...others }: Inputs): BatchInputs => ({
  images,
  labels,
  ...('teacher' in others ? { teacher: others['teacher'] } : {}),
});
const updateOf = ({ learningRate, ...others }: Inputs): UpdateInputs => ({
  learningRate,
  ...('averageDecay' in others ? { averageDecay: others['averageDecay'] } : {}),
});

/** The programs of one training: a step with a fixed batch, and evaluation with any, on the same states. */
export class CompiledTraining {
  readonly states = new StateStore();

  constructor(
    private readonly program: TrainingProgram,
    private readonly options: CompiledOptions,
  ) {}

  compileStep(): Promise<Program> {
    return compile(
      (inputs: Inputs) => metrics(this.program.step({ ...batchOf(inputs), ...updateOf(inputs) })),
      { ...this.batchInputs, ...this.updateInputs },
      this.common(),
    );
  }

  /** A step without its update: the gradients of a batch are added to sums, which the input `keep` multiplies first. */
  compileGradients(sums: GradientSums): Promise<Program> {
    const step = (inputs: Inputs): Record<string, tf.Tensor> => {
      const { grads, ...outputs } = this.program.gradients(batchOf(inputs));
      sums.add(grads, inputs['keep']);
      return metrics(outputs);
    };
    return compile(step, { ...this.batchInputs, keep: { shape: [] } }, this.common());
  }

  /** The update by sums of gradients. */
  compileUpdate(sums: GradientSums): Promise<Program> {
    const step = (inputs: Inputs): Record<string, tf.Tensor> => {
      this.program.update(sums.gradients, updateOf(inputs));
      return {};
    };
    return compile(step, this.updateInputs, this.common());
  }

  compileEvaluation(): InferenceProgram {
    return compileInference(
      ({ images }) => ({ logits: this.program.evaluate(images) }),
      { images: { shape: [null, ...this.program.spec.network.input] } },
      this.common(),
    );
  }

  /** What a step is fed; @throws Error when the loss needs a teacher's logits and the batch has none. */
  feeds({ images, labels, teacher }: EngineBatch, learningRate: number, step: number): Record<string, Feed> {
    const { spec, needsTeacherLogits } = this.program;
    if (needsTeacherLogits && teacher === null) throw new Error('the batch has no teacher logits');
    return {
      images,
      labels,
      learningRate,
      ...(spec.ema > 0 ? { averageDecay: averageDecay(step, spec.ema) } : {}),
      ...(needsTeacherLogits && teacher !== null ? { teacher } : {}),
    };
  }

  /** Inputs of what computes gradients. */
  private get batchInputs(): Record<string, InputSpec> {
    const { spec, needsTeacherLogits } = this.program;
    const { batch: size } = this.options;
    const rows = { shape: [size, spec.network.classes] };
    return {
      images: { shape: [size, ...spec.network.input] },
      labels: rows,
      ...(needsTeacherLogits ? { teacher: rows } : {}),
    };
  }

  /** Inputs of what updates. */
  private get updateInputs(): Record<string, InputSpec> {
    return { learningRate: { shape: [] }, ...(this.program.spec.ema > 0 ? { averageDecay: { shape: [] } } : {}) };
  }

  private common(): CompileOptions & { readonly states: StateStore } {
    return {
      target: this.options.target,
      states: this.states,
      freeze: (variable) => this.program.frozen.has(variable),
      seed: noiseSeed(this.program.spec),
      // The step is our own code on seeded layers; the engines' contract suite compares it with the eager engine.
      checkDeterminism: false,
    };
  }
}

/** Compiles the training program to ONNX. */
export async function createCompiledEngine(
  program: TrainingProgram,
  options: CompiledOptions,
): Promise<TrainingEngine> {
  const compiled = new CompiledTraining(program, options);
  const { states } = compiled;
  const training = await compiled.compileStep();
  const evaluation = compiled.compileEvaluation();

  return {
    name: `compiled (ONNX Runtime ${options.target.provider})`,
    async step(batch, learningRate, step) {
      const { loss, correct } = await training.run(compiled.feeds(batch, learningRate, step), step);
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
