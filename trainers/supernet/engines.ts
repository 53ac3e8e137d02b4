import * as tf from '@tensorflow/tfjs-core';
import { outputShape, targetShape } from '../../spaces/index.js';
import { oneByOne } from '../engines/engine.js';
import type { EngineBatch, EngineParts, TrainingEngine } from '../engines/index.js';
import type { Trainee } from './sandwich.js';
import { createNativeSupernet, planNativeSupernet } from './native.js';
import { createSupernetProgram, type SupernetProgram, type SupernetSpec } from './program.js';
import { sandwichStep } from './step.js';
import {
  compile,
  compileInference,
  type Feed,
  type InputSpec,
  type Program,
  StateStore,
} from '../../compiler/index.js';
import {
  type CompiledOptions,
  floats,
  readStates,
  updateFeeds,
  updateInputs,
  updateOf,
  writeStates,
} from '../engines/compiled.js';
import { noiseSeed } from '../engines/network-program.js';

type Inputs = Readonly<Record<string, tf.Tensor>>;

/** The programs of a supernet on shared states: one for each current member, update and evaluation. */
class CompiledSupernet {
  private readonly states = new StateStore();
  private readonly common;
  /** By role, so there are as many as a step has members. */
  private readonly members = new Map<string, { readonly id: string; readonly program: Program }>();

  constructor(
    private readonly program: SupernetProgram,
    private readonly options: CompiledOptions,
  ) {
    this.common = {
      target: options.target,
      states: this.states,
      seed: noiseSeed(program.spec),
      // The step is deterministic; tests compare it with TF.js itself.
      checkDeterminism: false,
    };
  }

  compileEvaluation() {
    const { program } = this;
    const images = { shape: [null, ...program.spec.sandwich.largest.network.input] };
    return compileInference((inputs) => ({ logits: program.evaluate(inputs['images']) }), { images }, this.common);
  }

  compileUpdate(): Promise<Program> {
    const update = (inputs: Inputs): Record<string, tf.Tensor> => {
      this.program.update(updateOf(inputs));
      return {};
    };
    return compile(update, updateInputs(this.program.spec.ema), this.common);
  }

  /** The program of a member, compiled when the role has a new member. */
  async memberProgram(trainee: Trainee): Promise<Program> {
    const { role, id } = trainee;
    const known = this.members.get(role);
    if (known?.id === id) return known.program;
    // Freed first: no more programs are open than a step has members.
    this.members.delete(role);
    await known?.program.dispose();
    const program = await this.compileGradients(trainee);
    this.members.set(role, { id, program });
    return program;
  }

  feeds({ images, labels, teacher }: EngineBatch): Record<string, Feed> {
    const { needsTeacherLogits } = this.program;
    if (needsTeacherLogits && teacher === null) throw new Error('the batch has no teacher logits');
    return {
      images,
      labels,
      ...(needsTeacherLogits && teacher !== null ? { teacher } : {}),
    };
  }

  read = () => readStates(this.states, this.program.states);
  write: TrainingEngine['load'] = (state) => writeStates(this.states, this.program.states, state);

  async dispose(): Promise<void> {
    for (const { program } of this.members.values()) await program.dispose();
    this.program.dispose();
  }

  private compileGradients(trainee: Trainee): Promise<Program> {
    const { needsTeacherLogits } = this.program;
    const { network } = trainee.member;
    const { batch } = this.options;
    const inputs: Record<string, InputSpec> = {
      images: { shape: [batch, ...network.input] },
      labels: { shape: [batch, ...targetShape(network)] },
      ...(needsTeacherLogits ? { teacher: { shape: [batch, ...outputShape(network)] } } : {}),
    };
    const step = ({ images, labels, teacher }: Inputs) => {
      const taught = needsTeacherLogits ? { teacher } : {};
      const { loss, correct } = this.program.gradients(trainee, { images, labels, ...taught });
      return { loss, correct };
    };
    // A random member trains for too few steps to pay for ONNX Runtime's optimisation.
    const optimize = !trainee.role.startsWith('random');
    return compile(step, inputs, { ...this.common, optimize });
  }
}

/** Compiles a supernet to ONNX, each member when it is first needed. */
async function createCompiledSupernet(program: SupernetProgram, options: CompiledOptions): Promise<TrainingEngine> {
  const compiled = new CompiledSupernet(program, options);
  // Evaluation decides the storage order of the weights (for convolutions), the update their layout in memory.
  const evaluation = compiled.compileEvaluation();
  const update = await compiled.compileUpdate();
  return {
    kind: 'compiled',
    name: `compiled (ONNX Runtime ${options.target.provider})`,
    // Members change from step to step and have programs of their own.
    ...oneByOne(
      sandwichStep(program.spec, {
        async gradients(trainee, batch, step) {
          const member = await compiled.memberProgram(trainee);
          const { loss, correct } = await member.run(compiled.feeds(batch), step);
          return { loss: floats(loss, 'loss')[0], correct: floats(correct, 'correct')[0] };
        },
        async update(learningRate, step) {
          await update.run(updateFeeds(program.spec, learningRate, step));
        },
      }),
    ),
    async evaluate(images) {
      const { logits } = await evaluation.run({ images });
      return floats(logits, 'logits').slice();
    },
    state: compiled.read,
    load: compiled.write,
    async dispose() {
      await update.dispose();
      await evaluation.dispose();
      await compiled.dispose();
    },
  };
}

/** The engines of a supernet. */
export const supernetEngines: Omit<EngineParts<SupernetSpec, SupernetProgram>, 'spec'> = {
  native(spec, options) {
    const plan = planNativeSupernet(spec, options.batch);
    return 'unsupported' in plan ? plan : createNativeSupernet(plan, options);
  },
  program: createSupernetProgram,
  compiled: createCompiledSupernet,
};
