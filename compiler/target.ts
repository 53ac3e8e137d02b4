import { lowerings, type LoweringName } from './lowerings.js';
import { capabilitiesOf } from './onnx/providers.js';

/** Where a program runs, and how it is written for that: made once by `resolveTarget`, then passed down as it is. */
export interface Target {
  /** ONNX Runtime execution provider, e.g. `cpu`, `cuda`, `webgpu`. */
  readonly provider: string;
  /** The provider's device: of `cuda` an index, of `webgpu` the adapter's id; null: the one that it takes by itself. */
  readonly device: string | null;
  /** Threads within an operator. */
  readonly threads: number;
  /** Whether threads that wait for work keep their core busy: right where the cores are this program's alone. */
  readonly spinning: boolean;
  /** Channels in a block of ONNX Runtime's blocked layout; null where programs do without it. */
  readonly block: number | null;
  /** Training steps that are best made in one run: more than 1 where each run moves all states between memories. */
  readonly stepsAtOnce: number;
  /** What programs may be written with, where it applies. */
  readonly lowerings: ReadonlySet<LoweringName>;
}

export interface TargetOptions {
  /** Default `cpu`. */
  readonly provider?: string;
  /** Default null. */
  readonly device?: string | null;
  /** Default 1. */
  readonly threads?: number;
  /** Default true. */
  readonly spinning?: boolean;
  /** ONNX Runtime's internal blocked layout: used where its self-test passes (default), or not at all. */
  readonly blocked?: boolean;
  /** Training steps in one run; default: as many as suit the provider. */
  readonly stepsAtOnce?: number;
  /** Lowerings that are left out, to measure what they gain; none by default. */
  readonly without?: readonly LoweringName[];
}

/** A target whose blocks have this many channels; null: none. */
export function targetWith(block: number | null, options: TargetOptions = {}): Target {
  const { provider = 'cpu', device = null, threads = 1, spinning = true, without = [] } = options;
  const capabilities = capabilitiesOf(provider);
  const { stepsAtOnce = capabilities.stepsAtOnce } = options;
  const left = new Set<LoweringName>([...capabilities.without, ...without]);
  const usable = lowerings.filter(({ name, needs }) => !left.has(name) && (needs === 'portable' || block !== null));
  const names = new Set(usable.map(({ name }) => name));
  return Object.freeze({ provider, device, threads, spinning, block, stepsAtOnce, lowerings: names });
}

/** The same target without what works in float32 only: blocked kernels, and factors that float16 does not know. */
export function withoutSinglePrecision(target: Target): Target {
  const without = lowerings.filter(({ name, needs }) => needs === 'blocked' || name === 'activation windows');
  const left = new Set(target.lowerings);
  for (const { name } of without) left.delete(name);
  return Object.freeze({ ...target, block: null, lowerings: left });
}

/** Standard operators only, as they are fast on most providers: what files for others are written for. */
export const portable: Target = targetWith(null, { without: ['depthwise convolutions as matrix products'] });
