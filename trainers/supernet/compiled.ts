import type * as tf from '@tensorflow/tfjs-core';
import {
  compile,
  compileInference,
  StateStore,
  type Feed,
  type InputSpec,
  type Program,
} from '../../compiler/index.js';
import type { ImageSize } from '../data/index.js';
import { updateFeeds, updateInputs, updateOf, type CompiledOptions } from '../engines/compiled.js';
import { floats, readStates, writeStates } from '../engines/compiled-states.js';
import { oneByOne } from '../engines/engine.js';
import type { TrainingEngine } from '../engines/index.js';
import { noiseSeed } from '../engines/training-program.js';
import type { SupernetProgram } from './program.js';
import type { Trainee } from './sandwich.js';
import { sandwichStep, type MemberBatch } from './step.js';

type Inputs = Readonly<Record<string, tf.Tensor>>;

/** The programs of a supernet: one for each member of the moment, update and evaluation, all on the same states. */
class CompiledSupernet {
  private readonly states = new StateStore();
  private readonly common;
  /** By what they are there for: as many as a step has members. */
  private readonly members = new Map<string, { readonly id: string; readonly program: Program }>();

  constructor(
    private readonly program: SupernetProgram,
    private readonly options: CompiledOptions,
  ) {
    this.common = {
      target: options.target,
      states: this.states,
      freeze: (variable: tf.Variable) => program.frozen.has(variable),
      seed: noiseSeed(program.spec),
      // The step is our own code on seeded layers; the engines' contract suite compares it with the eager engine.
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

  /** The program of a member: the one that is there for the same, or a new one in its place. */
  async memberProgram(trainee: Trainee): Promise<Program> {
    const { role, id } = trainee;
    const known = this.members.get(role);
    if (known?.id === id) return known.program;
    // Its memory first: no more members than a step has are open at any time.
    this.members.delete(role);
    await known?.program.dispose();
    const program = await this.compileGradients(trainee);
    this.members.set(role, { id, program });
    return program;
  }

  feeds({ images, labels, teacher, answers }: MemberBatch): Record<string, Feed> {
    const { needsTeacherLogits } = this.program;
    if (needsTeacherLogits && teacher === null) throw new Error('the batch has no teacher logits');
    return {
      images,
      labels,
      ...(needsTeacherLogits && teacher !== null ? { teacher } : {}),
      ...(answers === null ? {} : { answers: answers.logits, share: answers.share }),
    };
  }

  read = () => readStates(this.states, this.program.states);
  write: TrainingEngine['load'] = (state) => writeStates(this.states, this.program.states, state);

  async dispose(): Promise<void> {
    for (const { program } of this.members.values()) await program.dispose();
    this.program.dispose();
  }

  private compileGradients(trainee: Trainee): Promise<Program> {
    const { spec, needsTeacherLogits } = this.program;
    const { network } = trainee.member;
    const { batch } = this.options;
    const rows = { shape: [batch, network.classes] };
    const learnsFromLargest = trainee.role !== 'largest' && spec.softLabels !== null;
    const inputs: Record<string, InputSpec> = {
      images: { shape: [batch, ...network.input] },
      labels: rows,
      ...(needsTeacherLogits ? { teacher: rows } : {}),
      ...(learnsFromLargest ? { answers: rows, share: { shape: [] } } : {}),
    };
    const step = ({ images, labels, share, ...others }: Inputs) => {
      const { loss, correct, logits } = this.program.gradients(trainee, {
        images,
        labels,
        ...(needsTeacherLogits ? { teacher: others['teacher'] } : {}),
        ...(learnsFromLargest ? { answers: { logits: others['answers'], share } } : {}),
      });
      return { loss, correct, logits };
    };
    // ONNX Runtime's own optimisation costs more than so few steps give back.
    const optimize = !trainee.role.startsWith('random');
    return compile(step, inputs, { ...this.common, optimize });
  }
}

/** Compiles a supernet to ONNX: members when they are needed. */
export async function createCompiledSupernet(
  program: SupernetProgram,
  options: CompiledOptions & { readonly source: ImageSize },
): Promise<TrainingEngine> {
  const compiled = new CompiledSupernet(program, options);
  // Evaluation settles in which order weights are stored, as convolutions want them; the update how they lie together.
  const evaluation = compiled.compileEvaluation();
  const update = await compiled.compileUpdate();
  return {
    name: `compiled (ONNX Runtime ${options.target.provider})`,
    // Members change from step to step, and each is a program of its own.
    ...oneByOne(
      sandwichStep(program.spec, options.source, {
        async gradients(trainee, batch, step) {
          const { loss, correct, logits } = await (
            await compiled.memberProgram(trainee)
          ).run(compiled.feeds(batch), step);
          return {
            loss: floats(loss, 'loss')[0],
            correct: floats(correct, 'correct')[0],
            logits: floats(logits, 'logits'),
          };
        },
        async update(learningRate, step) {
          await update.run(updateFeeds(program.spec.ema, learningRate, step));
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
