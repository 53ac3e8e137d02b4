import { DeviceFailure, messageOf, NasError } from '../../../base/errors.js';
import * as ort from 'onnxruntime-node';
import type { Target } from '../../target.js';
import { selectAdapter } from '../providers/adapters.js';

/**
 * Optimizers of ONNX Runtime that find nothing to do in compiled programs, for reasons that do not depend on the function.
 * Looking for it is a quarter of what opening a program costs. Names that a version of ONNX Runtime does not know do no
 * harm.
 */
export const needlessOptimizers: readonly string[] = [
  // The compiler shares equal constants and equal nodes itself.
  'ConstantSharing',
  'CommonSubexpressionElimination',
  // Sizes that a session is told: there are none.
  'FreeDimensionOverrideTransformer',
  // What follows is about operators that the compiler does not emit: Range, Dropout, attention with its own operators, ...
  'GatherToSliceFusion',
  'BiasDropoutFusion',
  'GroupQueryAttentionFusion',
  'GroupQueryAttentionPreNormFusion',
  // ... and all that is quantised.
  'DoubleQDQPairsRemover',
  'DQMatMulToMatMulNBits',
  'DynamicQuantizeMatMulFusion',
  'EnsureUniqueDQForNodeUnit',
  'MatMulIntegerToFloatFusion',
  'MatMulNBitsFusion',
  'MatMulNBitsMlpFusion',
  'MatMulNBitsQkvFusion',
  'QDQFinalCleanupTransformer',
  'QDQPropagationTransformer',
  'QDQS8ToU8Transformer',
  'QDQSelectorActionTransformer',
  'WeightBiasQuantization',
  'WhereDummyDq',
];

/**
 * What ONNX Runtime says when it is the device that fails: it has no error codes for that. By its sources, and, where noted,
 * seen on a software adapter.
 */
const texts: readonly (readonly [RegExp, DeviceFailure['kind']])[] = [
  // A tensor is larger than a shader may see at once, and its parts are more than it may see; seen.
  [/Too many storage buffers in shader/, 'memory'],
  // Dawn refuses a buffer that is larger than the adapter allows.
  [/exceeds the max buffer size limit|exceeding maxStorageBufferBindingSize/, 'memory'],
  // The arena that CUDA's memory comes from, and CUDA itself.
  [/Failed to allocate memory for requested buffer of size|ran out of memory trying to allocate/, 'memory'],
  [/out of memory/i, 'memory'],
  // The download of a result is the first that fails after the device was lost, or after an error nobody waited for.
  [/Failed to download data from buffer|Failed to wait for the operation/, 'lost'],
  [/device (is|was)? ?lost|Failed to get a WebGPU device/i, 'lost'],
  // An illegal access, a launch that took too long, a card that fell off the bus.
  [/CUDA failure (700|702|719|999)/, 'lost'],
];

/** How the device failed, by the text of an error; null when it did not. */
export const deviceFailureOf = (message: string): DeviceFailure['kind'] | null =>
  texts.find(([text]) => text.test(message))?.[1] ?? null;

/** Where in ONNX Runtime's sources a check is, and what it checked: `/onnxruntime_src/...cc:136 ... was false. `. */
const sourceOfCheck = /\/\S*onnxruntime\/\S+\.(?:cc|h):\d+ .*? was false\. (?=\S)/g;

/** The text of an error without its place in ONNX Runtime's sources, where it says more than that. */
export const withoutSource = (message: string): string => message.replace(sourceOfCheck, '');

/** Where a model runs, and how its memory is used; by default the provider `cpu` and one spinning thread. */
export interface SessionOptions extends Partial<Pick<Target, 'provider' | 'device' | 'threads' | 'spinning'>> {
  /**
   * Whether memory is planned ahead from the second run on, ONNX Runtime's default; the plan takes one more block for all of
   * it, and what the first run took is not given back.
   */
  readonly planMemory?: boolean;
  /** Whether ONNX Runtime looks for a better graph; default true. */
  readonly optimize?: boolean;
  /**
   * Whether the provider computes in the model's own order of channels, NCHW, where it prefers another. WebGPU's kernels for
   * NHWC misread some numbers of channels (see `padTriples`); models of our own are written around that, others cannot be.
   */
  readonly keepLayout?: boolean;
  /** Optimizers of ONNX Runtime, by name, that are not asked when it does; none by default. */
  readonly without?: readonly string[];
  /** Outputs that stay in the memory of the provider's device; none by default. */
  readonly onDevice?: readonly string[];
  /** Nodes, by name, that run on the CPU whatever the provider; only `webgpu` takes them. None by default. */
  readonly onHost?: readonly string[];
  /**
   * Whether products of bytes are summed exactly where the processor's own instruction saturates (see `integerArithmetic`):
   * ONNX Runtime then makes unsigned bytes of signed weights, which it computes otherwise. Default false; nothing changes
   * for models in floats and on other processors.
   */
  readonly exactIntegers?: boolean;
  /** File into which ONNX Runtime writes the graph that it made of the model; none by default. */
  readonly optimized?: string;
  /** Path prefix of a profile that ONNX Runtime writes; none by default. */
  readonly profile?: string;
}

function failed(what: string, error: unknown): NasError {
  const message = `${what}: ${withoutSource(messageOf(error)).trim()}`;
  const kind = deviceFailureOf(message);
  return kind === null
    ? new NasError('failure', message, { cause: error })
    : new DeviceFailure(kind, message, { cause: error });
}

/** @throws NasError with what ONNX Runtime says, when the program fails; DeviceFailure when the device does. */
export async function runSession(
  session: ort.InferenceSession,
  feeds: Readonly<Record<string, ort.Tensor>>,
): Promise<Record<string, ort.Tensor>> {
  try {
    return { ...(await session.run(feeds)) };
  } catch (error) {
    throw failed('the compiled program failed', error);
  }
}

/** Loaded when it is asked for: the parser of ONNX files takes 10 MB of each thread that only runs them. */
async function withUnsharedBytes(model: Uint8Array): Promise<Uint8Array> {
  const { unsharedBytes } = await import('../inspection/number-formats.js');
  return unsharedBytes(model);
}

/** A provider with what it is told by options of its own. */
function providerOptions(
  provider: string,
  { device = null, keepLayout = false, onHost = [] }: SessionOptions,
): ort.InferenceSession.ExecutionProviderConfig {
  if (provider === 'cuda' && device !== null) return { name: provider, deviceId: Number(device) };
  if (provider !== 'webgpu') return provider;
  return {
    name: provider,
    ...(keepLayout && { preferredLayout: 'NCHW' }),
    ...(onHost.length > 0 && { forceCpuNodeNames: onHost }),
  };
}

/**
 * Opens an ONNX model, from a file or from memory: the one place that sets ONNX Runtime's options. Operators run one
 * after the other, each on `threads` threads, by default with all graph optimisations; numbers too small for a float are zero.
 * @throws NasError when ONNX Runtime does not accept the model or does not have the provider; DeviceFailure when the device
 * fails.
 */
export async function createSession(
  model: Uint8Array | string,
  options: SessionOptions = {},
): Promise<ort.InferenceSession> {
  const { provider = 'cpu', device = null, threads = 1, spinning = true, planMemory = true, optimize = true } = options;
  const { without = [], onDevice = [], optimized, profile, exactIntegers = false } = options;
  if (provider === 'webgpu') selectAdapter(device);
  const settings: ort.InferenceSession.SessionOptions = {
    executionProviders: provider === 'cpu' ? ['cpu'] : [providerOptions(provider, options), 'cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: optimize ? 'all' : 'disabled',
    enableMemPattern: planMemory,
    logSeverityLevel: 3,
    extra: {
      session: {
        set_denormal_as_zero: '1',
        intra_op: { allow_spinning: spinning ? '1' : '0' },
        ...(exactIntegers && { x64quantprecision: '1' }),
      },
      optimization: {
        // Zero points that are shared again could not be opened: see `unsharedBytes`.
        disable_specified_optimizers: [...without, ...(exactIntegers ? ['ConstantSharing'] : [])].join(';'),
      },
    },
    ...(onDevice.length > 0 && {
      preferredOutputLocation: Object.fromEntries(onDevice.map((name) => [name, 'gpu-buffer' as const])),
    }),
    ...(optimized !== undefined && { optimizedModelFilePath: optimized }),
    ...(profile !== undefined && { enableProfiling: true, profileFilePrefix: profile }),
  };
  try {
    return typeof model === 'string'
      ? await ort.InferenceSession.create(model, settings)
      : await ort.InferenceSession.create(exactIntegers ? await withUnsharedBytes(model) : model, settings);
  } catch (error) {
    const what = typeof model === 'string' ? `'${model}'` : 'the model';
    throw failed(`ONNX Runtime could not open ${what} with provider '${provider}'`, error);
  }
}
