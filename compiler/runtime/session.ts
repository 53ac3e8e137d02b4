import { DeviceFailure, messageOf, NasError } from '../../base/errors.js';
import * as ort from 'onnxruntime-node';
import type { Target } from '../target.js';

/**
 * Optimizers of ONNX Runtime that never find anything in compiled programs; they take a quarter of the time of opening one.
 * ONNX Runtime ignores unknown names.
 */
export const needlessOptimizers: readonly string[] = [
  // The compiler shares equal constants and nodes itself.
  'ConstantSharing',
  'CommonSubexpressionElimination',
  // Sessions set no free dimensions.
  'FreeDimensionOverrideTransformer',
  // The compiler emits no Range, Dropout, attention, ...
  'GatherToSliceFusion',
  'BiasDropoutFusion',
  'GroupQueryAttentionFusion',
  'GroupQueryAttentionPreNormFusion',
  // ... or quantized operators.
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

/** Messages of ONNX Runtime for failures of the device, which have no error codes; from its sources. */
const texts: readonly (readonly [RegExp, DeviceFailure['kind']])[] = [
  // The parts of a large tensor exceed the buffers of a shader; seen on a software adapter.
  [/Too many storage buffers in shader/, 'memory'],
  // Dawn refuses a buffer beyond the adapter's limit.
  [/exceeds the max buffer size limit|exceeding maxStorageBufferBindingSize/, 'memory'],
  // CUDA's arena, and CUDA itself.
  [/Failed to allocate memory for requested buffer of size|ran out of memory trying to allocate/, 'memory'],
  [/out of memory/i, 'memory'],
  // The first download fails after the device was lost or an asynchronous error.
  [/Failed to download data from buffer|Failed to wait for the operation/, 'lost'],
  [/device (is|was)? ?lost|Failed to get a WebGPU device/i, 'lost'],
  // Illegal access, launch timeout, card off the bus.
  [/CUDA failure (700|702|719|999)/, 'lost'],
];

/** How the device failed according to an error's message; null for other errors. */
export const deviceFailureOf = (message: string): DeviceFailure['kind'] | null =>
  texts.find(([text]) => text.test(message))?.[1] ?? null;

/** The source location of a failed check: `/onnxruntime_src/...cc:136 ... was false. `, or with a function, `...cc:136 f(...) `. */
const sourceOfCheck = /\/\S*onnxruntime\/\S+\.(?:cc|h):\d+ (?:.*? was false\. (?=\S)|[^]*?\) (?=[A-Z]))/g;
/** Characters of a message of ONNX Runtime, at most. */
const mostText = 130;

/** Removes ONNX Runtime's source location from a message that says more. */
export const withoutSource = (message: string): string => message.replace(sourceOfCheck, '');

/** The environment in which Vulkan shows one adapter only, by Mesa's device selection layer. */
export const selection = (id: string | null): Readonly<Record<string, string>> =>
  id === null ? {} : { MESA_VK_DEVICE_SELECT: `${id}!` };

/**
 * Chooses the adapter of this process, before WebGPU's first session: the provider chooses once and has no option for it.
 * @param id as `Adapter.id`; null: the system's choice
 */
export function selectAdapter(id: string | null): void {
  Object.assign(process.env, selection(id));
}

/** By default the provider `cpu` and one spinning thread. */
export interface SessionOptions extends Partial<Pick<Target, 'provider' | 'device' | 'threads' | 'spinning'>> {
  /**
   * Whether ONNX Runtime plans memory from the second run on; default true. The plan allocates one block in addition to the
   * first run's memory, which is not freed.
   */
  readonly planMemory?: boolean;
  /** Whether ONNX Runtime optimises the graph; default true. */
  readonly optimize?: boolean;
  /**
   * Whether the provider computes in the model's own layout, NCHW. WebGPU's kernels for NHWC misread some numbers of
   * channels (see `padTriples`), which only the compiler's own models avoid.
   */
  readonly keepLayout?: boolean;
  /** Names of optimizers to skip; none by default. */
  readonly without?: readonly string[];
  /** Outputs that stay in the device's memory; none by default. */
  readonly onDevice?: readonly string[];
  /** Names of nodes that run on the CPU, with `webgpu` only; none by default. */
  readonly onHost?: readonly string[];
  /**
   * Whether products of bytes are summed exactly where the processor's instruction saturates (see `integerArithmetic`): ONNX
   * Runtime then converts signed weights to unsigned bytes. Default false; no effect on float models and other processors.
   */
  readonly exactIntegers?: boolean;
  /** File for the optimised graph; none by default. */
  readonly optimized?: string;
  /** Path prefix of a profile; none by default. */
  readonly profile?: string;
}

function failed(what: string, error: unknown): NasError {
  const why = withoutSource(messageOf(error)).replaceAll(/\s+/g, ' ').trim();
  const message = `${what}: ${why.length > mostText ? `${why.slice(0, mostText)}...` : why}`;
  const kind = deviceFailureOf(message);
  return kind === null
    ? new NasError('failure', message, { cause: error })
    : new DeviceFailure(kind, message, { cause: error });
}

/** @throws NasError with ONNX Runtime's message when the program fails; DeviceFailure when the device does. */
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

/** A lazy import: the parser of ONNX files takes 10 MB in each thread, and most only run models. */
async function withUnsharedBytes(model: Uint8Array): Promise<Uint8Array> {
  const { unsharedBytes } = await import('../onnx/number-formats.js');
  return unsharedBytes(model);
}

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
 * Opens an ONNX model from a file or from memory; the only place that sets ONNX Runtime's options. Operators run
 * sequentially, each on `threads` threads; subnormal numbers are flushed to zero.
 * @throws NasError when ONNX Runtime rejects the model or lacks the provider; DeviceFailure when the device fails
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
        // ONNX Runtime cannot open shared zero points: see `unsharedBytes`.
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

/** Opens a model as `createSession` does, and releases its session after the use. */
export async function withSession<T>(
  model: Uint8Array | string,
  options: SessionOptions,
  use: (session: ort.InferenceSession) => Promise<T>,
): Promise<T> {
  const session = await createSession(model, options);
  try {
    return await use(session);
  } finally {
    await session.release();
  }
}
