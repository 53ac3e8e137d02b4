import type { AddedSequence, Buffer, NativeNetwork } from '../../compiler/native/index.js';
import { product } from '../../base/statistics.js';
import { layersOf, outputShape, sharedName, withoutDropout, type Member } from '../../spaces/index.js';
import { headSpecs, weightSpecs } from '../../spaces/models/index.js';
import type { EngineBatch, TrainingEngine } from '../engines/index.js';
import { learningOf, sliceIn } from '../engines/native/learning.js';
import { compileTail, type Tail } from '../engines/native/tail.js';
import {
  chunks,
  featuresOf,
  type NativeOptions,
  type NativePlan,
  NativeTraining,
  type Unsupported,
  type WeightNames,
} from '../engines/native/training.js';
import { adding, type Range, sumPasses } from '../engines/native/updates.js';
import { staysOf } from '../engines/variables.js';
import { type Arrays, arraysOf, placesOf, planNetwork, unitsOf } from '../native/index.js';
import { initialSupernet, type SupernetSpec } from './program.js';
import type { Trainee } from './sandwich.js';
import { sandwichStep } from './step.js';

/** A supernet whose members all have native passes. */
interface SupernetPlan extends NativePlan {
  readonly spec: SupernetSpec;
  /** Where the passes of a member write their gradients; `learning` has the sums over members. */
  readonly own: Arrays;
}

const bufferOf = ({ gradients }: Arrays): Buffer => {
  const [{ buffer }] = gradients.values();
  return buffer;
};

/** The shared names of a member's weights. */
const namesIn =
  (member: Member): WeightNames =>
  (name) =>
    sharedName(member, name);

/** The places of a member's weights in the arrays. Only the largest member keeps moving statistics. */
function memberPlaces({ spec, own, learning }: Pick<SupernetPlan, 'spec' | 'own' | 'learning'>, member: Member) {
  const specs = member === spec.sandwich.largest ? learning.specs : spec.shared;
  return placesOf(member.network, specs, own, namesIn(member));
}

/** The plan of a supernet, or why the engine does not train it. */
export function planNativeSupernet(spec: SupernetSpec, batch: number): SupernetPlan | Unsupported {
  const { sandwich } = spec;
  const { largest } = sandwich;
  for (const network of [largest.network, ...sandwich.others()]) {
    const units = unitsOf(network);
    if ('unsupported' in units) return units;
    // Groups of members have kernels of different shapes, whose parts lie at no equal distances.
    const grouped = layersOf(network).find((layer) => layer.kind === 'conv' && layer.groups !== undefined);
    if (grouped !== undefined) return { unsupported: `${grouped.name}: members share no kernels of groups natively` };
  }
  const { specs, start } = initialSupernet(spec);
  const stays = staysOf({ ...spec, start });
  const arrays = arraysOf(specs, (weight) => weight.trainable && !stays(weight));
  const buffer = { ...bufferOf(arrays), name: 'member_gradients' };
  const gradients = new Map([...arrays.gradients].map(([name, slice]) => [name, { ...slice, buffer }]));
  const own = { weights: arrays.weights, gradients };
  const learning = learningOf(spec, { specs, start, arrays, partial: true });
  const places = memberPlaces({ spec, own, learning }, largest);
  const passes = planNetwork(largest.network, { batch, chunks, places });
  if ('unsupported' in passes) return passes;
  const training = [[...learning.updates.passes, ...(learning.average?.passes ?? [])]];
  const { network } = largest;
  return { spec, own, learning, network, nameOf: namesIn(largest), passes, training, kept: [buffer, adding.buffer] };
}

/** The passes of a member in the arena of its supernet. */
interface OpenMember {
  readonly id: string;
  readonly passes: NativeNetwork;
  readonly sequence: AddedSequence;
}

/** Adds a part of a matrix or vector to the first entries of the whole. @param from length of a row of the part @param to of the whole */
function addPart(whole: Float32Array, to: number, part: Float32Array, from: number): void {
  for (let row = 0; row * from < part.length; row++)
    for (let i = 0; i < from; i++) whole[row * to + i] += part[row * from + i];
}

class NativeSupernet {
  /** By role. */
  private readonly members = new Map<string, OpenMember>();
  /** By shape of the head. */
  private readonly tails = new Map<string, Tail>();

  constructor(
    private readonly plan: SupernetPlan,
    private readonly training: NativeTraining,
    private readonly batch: number,
  ) {
    training.program.view(adding.buffer).set(adding.values);
  }

  async gradients(trainee: Trainee, batch: EngineBatch, step: number) {
    const { training, plan } = this;
    const { network } = trainee.member;
    const nameOf = namesIn(trainee.member);
    const { passes, sequence } = this.memberOf(trainee);
    sequence.view(passes.images).set(batch.images);
    await sequence.run(0, this.batch);
    const tail = await this.tailOf(trainee, passes);
    const result = await tail.gradients(sequence.view(passes.features), batch, training.headOf(network, nameOf), step);
    sequence.view(passes.featureGradients).set(result.features);
    const shapes = new Map(plan.learning.specs.map(({ name, shape }) => [name, shape]));
    for (const { name, shape } of headSpecs(network)) {
      const gradient = result.weights.get(name);
      if (gradient === undefined) continue;
      const own = nameOf(name);
      const sums = training.program.view(sliceIn(plan.learning.arrays.gradients, own));
      addPart(sums, shapes.get(own)?.at(-1) ?? 1, gradient, shape.at(-1) ?? 1);
    }
    await sequence.run(1, this.batch);
    return { loss: result.loss, correct: result.correct };
  }

  async update(learningRate: number, step: number): Promise<void> {
    const { program } = this.training;
    this.training.prepare(learningRate, step);
    await program.run(0, 0, this.batch);
    program.view(bufferOf(this.plan.learning.arrays)).fill(0);
  }

  async dispose(): Promise<void> {
    for (const tail of this.tails.values()) await tail.dispose();
  }

  /** The passes of a member, planned when the role has a new member. */
  private memberOf({ role, id, member }: Trainee): OpenMember {
    const known = this.members.get(role);
    if (known?.id === id) return known;
    const { plan } = this;
    const places = memberPlaces(plan, member);
    const passes =
      member === plan.spec.sandwich.largest
        ? plan.passes
        : planNetwork(member.network, { batch: this.batch, chunks, places });
    if ('unsupported' in passes) throw new Error(`the member ${id} has no native passes: ${passes.unsupported}`);
    const head = new Set(headSpecs(member.network).map(({ name }) => name));
    const ranges = weightSpecs(member.network).flatMap(({ name, shape }): Range[] => {
      const gradient = places.get(name)?.gradient ?? null;
      if (gradient === null || head.has(name)) return [];
      // Passes write zeros where a member does not use a kernel, but not at the end of a norm's vectors.
      return [shape.length === 1 ? { ...gradient, floats: product(shape) } : gradient];
    });
    const sums = sumPasses(bufferOf(plan.own), bufferOf(plan.learning.arrays), ranges);
    const { forward, backward } = passes.passes;
    const sequence = this.training.program.add([forward, [...backward, ...sums]]);
    const opened = { id, passes, sequence };
    this.members.set(role, opened);
    return opened;
  }

  private async tailOf({ role, member }: Trainee, passes: NativeNetwork): Promise<Tail> {
    const { spec, learning } = this.plan;
    const isLargest = role === 'largest';
    const network = isLargest ? member.network : withoutDropout(member.network);
    const width = featuresOf(passes, this.batch);
    const key = JSON.stringify([isLargest, width, outputShape(network), network.head]);
    const known = this.tails.get(key);
    if (known !== undefined) return known;
    const tail = await compileTail(network, spec, {
      batch: this.batch,
      width,
      isTrained: (name) => learning.arrays.gradients.has(sharedName(member, name)),
    });
    this.tails.set(key, tail);
    return tail;
  }
}

/** Runs a supernet by passes of the native library; the tails of members are compiled programs. */
export async function createNativeSupernet(plan: SupernetPlan, options: NativeOptions): Promise<TrainingEngine> {
  const training = await NativeTraining.open(plan, options);
  const supernet = new NativeSupernet(plan, training, options.batch);
  return training.engine(sandwichStep(plan.spec, supernet), () => supernet.dispose());
}
