import * as tf from '@tensorflow/tfjs-core';
import { Random } from '../../../base/random.js';
import { compile, resolveTarget, type HostTensor } from '../../../compiler/index.js';
import { functionOf, type Case } from '../cases/case.js';
import { runEagerly, specsOf, type Outputs } from './reference.js';
import { Sampler, toTensor, type Samples } from './samples.js';

/** Numbers at the edge of float32, by kind. */
export const edges = {
  zero: [0, -0],
  subnormal: [1e-45, -1e-45, 1e-40, -1e-38],
  tiny: [-1.2e-38, 2e-38, 1e-30, 1e-8, -1e-8, 6e-8],
  large: [16777217, 33554433, -1e9, 1e5, 128, -128, 88.8, -104, 20, -20],
  huge: [1e18, -1e18, 1e10],
  greatest: [3.4e38, -3.4e38, 1e38, 1e30],
  infinite: [Infinity, -Infinity],
  NaN: [NaN],
} as const satisfies Readonly<Record<string, readonly number[]>>;
export type Edge = keyof typeof edges;
export const edgeNames = Object.keys(edges) as Edge[];
/** `ordinary`: the samples as they are. */
export type Operands = Edge | 'ordinary';

const integers = [16777217, -16777217, 2147483647, -2147483648, 33554433, 0, 1, -1];

/** The samples with numbers at the edge in a third of the places; at most 16, as sums of many edges are all alike. */
function withEdges(samples: Samples, edge: Operands, kept: readonly string[], random: Random): Samples {
  if (edge === 'ordinary') return samples;
  const changed = (name: string, sample: HostTensor): HostTensor => {
    const data = sample.data.slice();
    const values: readonly number[] = sample.dtype === 'int32' ? integers : edges[edge];
    const count = Math.min(Math.max(1, Math.floor(data.length / 3)), 16);
    if (!kept.includes(name)) for (let i = 0; i < count; i++) data[random.int(data.length)] = random.pick(values);
    return { ...sample, data };
  };
  return Object.fromEntries(Object.entries(samples).map(([name, sample]) => [name, changed(name, sample)]));
}

const kindOf = (value: number): string =>
  Number.isNaN(value) ? 'NaN' : !Number.isFinite(value) ? `${value}`.replace('inity', '') : value === 0 ? '0' : 'x';

/** Compiled and eager results that differ: one for each output, edge and kind of values. */
export interface Difference {
  readonly name: string;
  readonly output: string;
  readonly edge: Operands;
  /** Kinds of the values: `eager → compiled`, each of 0, x, Inf, -Inf, NaN. */
  readonly change: string;
  readonly example: string;
}

/** Relative to each element; to the largest one where results are sums. */
const tolerance = 1e-4;

/** The first session of ONNX Runtime in a process decides whether subnormal numbers are zeros, TF.js's and in sums too. */
const flushed = 1e-37;

interface Comparison {
  readonly name: string;
  readonly edge: Operands;
  readonly samples: Samples;
  readonly eager: Outputs;
  readonly sums: boolean;
}

function differencesOf({ name, edge, samples, eager, sums }: Comparison, compiled: Outputs): readonly Difference[] {
  const found = new Map<string, Difference>();
  for (const [output, expected] of Object.entries(eager)) {
    const actual = compiled[output];
    if (!expected || actual?.data.length !== expected.data.length) throw new Error(`${name}: no output ${output}`);
    let scale = 0;
    for (const value of expected.data) if (Number.isFinite(value)) scale = Math.max(scale, Math.abs(value));
    expected.data.forEach((wanted, i) => {
      const got = actual.data[i];
      if (Object.is(wanted, got) || wanted === got) return;
      const error = Math.abs(wanted - got) - tolerance * (sums ? scale : Math.abs(wanted));
      if (Number.isFinite(wanted) && Number.isFinite(got) && error <= flushed) return;
      const change = `${kindOf(wanted)} → ${kindOf(got)}`;
      const at = Object.entries(samples).map(([key, { data }]) =>
        data.length === expected.data.length ? ` ${key}=${data[i]}` : '',
      );
      const example = `${wanted} became ${got}${at.join('')}`;
      const key = `${output} ${change}`;
      if (!found.has(key)) found.set(key, { name, output, edge, change, example });
    });
  }
  return [...found.values()];
}

/** Whether results are sums of several operands. */
export const isSum = (each: Case, samples: Samples): boolean =>
  new Set(Object.values(samples).map(({ shape }) => shape.join())).size > 1 ||
  /pool|sum|mean|loss|conv/i.test(each.name);

/** Partial sums of the greatest numbers may overflow: TF.js adds in 64 bits. */
export const edgesOf = <E extends Operands>(edges: readonly E[], sums: boolean): readonly E[] =>
  edges.filter((edge) => !sums || edge !== 'greatest');

export interface SweepOptions {
  readonly edges: readonly Operands[];
  readonly blocked: readonly boolean[];
  /** Another place of the edges for each. */
  readonly seeds: readonly number[];
  /** Default: whether operands differ in shape. */
  readonly sums?: boolean | undefined;
}

/** Compiles a case once, and compares it with TF.js at each edge. */
export async function sweep(each: Case, options: SweepOptions): Promise<readonly Difference[]> {
  const samples = each.inputs(new Sampler(each.name));
  const f = functionOf(each);
  const sums = options.sums ?? isSum(each, samples);
  const trials = edgesOf(options.edges, sums).flatMap((edge) =>
    options.seeds.map((seed) => {
      const input = withEdges(samples, edge, each.kept ?? [], new Random(seed, 'edges', each.name, edge));
      return { name: each.name, edge, samples: input, eager: runEagerly(f, input).outputs, sums };
    }),
  );
  const found: Difference[] = [];
  for (const blocked of options.blocked) {
    const target = await resolveTarget({ blocked });
    const program = await compile(f, specsOf(samples), { target, checkDeterminism: false });
    for (const trial of trials) found.push(...differencesOf(trial, await program.run(trial.samples)));
    await program.dispose();
  }
  return found;
}

/** The case with one input as a constant, of one number throughout. */
export function withConstant(each: Case, name: string, value: number): Case {
  const constant = (like: HostTensor): HostTensor => ({ ...like, data: like.data.slice().fill(value) });
  const sample = each.inputs(new Sampler(each.name));
  const { [name]: like } = sample;
  return {
    ...each,
    inputs: (sampler) => Object.fromEntries(Object.entries(each.inputs(sampler)).filter(([key]) => key !== name)),
    f: (inputs) => each.f({ ...inputs, [name]: toTensor(constant(like)) }),
    gradients: (each.gradients ?? []).filter((key) => key !== name),
  };
}

/** The kernels that compiling takes, the compiler's own among them. */
export async function kernelsOf(run: () => Promise<unknown>): Promise<ReadonlySet<string>> {
  const engine = tf.engine();
  const original = engine.runKernel.bind(engine);
  const names = new Set<string>();
  engine.runKernel = (name, inputs, attrs) => {
    names.add(name);
    return original(name, inputs, attrs);
  };
  try {
    await run();
  } finally {
    Reflect.deleteProperty(engine, 'runKernel');
  }
  return names;
}
