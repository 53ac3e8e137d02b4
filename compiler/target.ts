import { lowerings, type LoweringName } from './lowerings.js';
import { capabilitiesOf } from './onnx/providers.js';

/** Where a program runs, and how it is written for that: made once by `resolveTarget`, then passed down as it is. */
export interface Target {
  /** ONNX Runtime execution provider, e.g. `cpu`, `cuda`, `webgpu`. */
  readonly provider: string;
  /** Threads within an operator. */
  readonly threads: number;
  /** Whether threads that wait for work keep their core busy: right where the cores are this program's alone. */
  readonly spinning: boolean;
  /** Channels in a block of ONNX Runtime's blocked layout; null where programs do without it. */
  readonly block: number | null;
  /** What programs may be written with, where it applies. */
  readonly lowerings: ReadonlySet<LoweringName>;
}

export interface TargetOptions {
  /** Default `cpu`. */
  readonly provider?: string;
  /** Default 1. */
  readonly threads?: number;
  /** Default true. */
  readonly spinning?: boolean;
  /** ONNX Runtime's internal blocked layout: used where its self-test passes (default), or not at all. */
  readonly blocked?: boolean;
  /** Lowerings that are left out, to measure what they gain; none by default. */
  readonly without?: readonly LoweringName[];
}

/** A target whose blocks have this many channels; null: none. */
export function targetWith(block: number | null, options: TargetOptions = {}): Target {
  const { provider = 'cpu', threads = 1, spinning = true, without = [] } = options;
  const left = new Set<LoweringName>([...capabilitiesOf(provider).without, ...without]);
  const usable = lowerings.filter(({ name, needs }) => !left.has(name) && (needs === 'portable' || block !== null));
  const names = new Set(usable.map(({ name }) => name));
  return Object.freeze({ provider, threads, spinning, block, lowerings: names });
}

/** Standard operators only, as they are fast on most providers: what files for others are written for. */
export const portable: Target = targetWith(null, { without: ['depthwise convolutions as matrix products'] });
