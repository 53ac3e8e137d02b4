/** TF.js programs compiled to ONNX: training steps, evaluation and inference export from one tracer. */
export type { CompileOptions, InferenceOptions } from './compile.js';
export { compile, compileInference } from './compile.js';
export type { ExportOptions } from './export.js';
export { exportFunction, exportModel } from './export.js';
export * from './graph/index.js';
export { encodeRead } from './onnx/model.js';
export { readGraph } from './onnx/read.js';
export * from './runtime/adapters/index.js';
export { blockedSupport, resolveTarget } from './runtime/blocked-support.js';
export * from './runtime/classifier/index.js';
export { executedBy, executedElsewhere, type Executed, type FloatNode } from './runtime/executed.js';
export { integerArithmetic, type IntegerArithmetic } from './runtime/integer-arithmetic.js';
export type { InferenceProgram } from './runtime/inference.js';
export type { Program, Timings } from './runtime/program.js';
export { profileModel, type NodeTime, type Profile } from './runtime/profile.js';
export type { SessionOptions } from './runtime/session.js';
export {
  howToGet,
  listProviders,
  remedyFor,
  requireKnown,
  requireHalfHere,
  requireWorking,
  tryHalf,
  tryProvider,
  type Provider,
} from './runtime/providers.js';
export { createSession } from './runtime/session.js';
export { StateStore } from './runtime/state-store.js';
export type { Feed, HostTensor } from './runtime/tensors.js';
export { tinyModel } from './runtime/tiny-model.js';
export { hasLargeBytes, isFloat32, weightFormat, type NumberFormat } from './runtime/weight-format.js';
export { portable, targetWith, type Target, type TargetOptions } from './target.js';
export { normalizeBatch, type NormalizedBatch } from './trace/batch-norm.js';
export { inLayer } from './trace/layer-names.js';
export { allBelow } from './trace/magnitude.js';
export { rounded, roundedByChannel, type Steps } from './trace/rounding.js';
export { uniform, withNoise } from './trace/noise.js';
export { layOut, toStorage } from './values/layout.js';
export type { InputSpec, TraceOptions, Traced, TracedFunction } from './trace/trace.js';
export { trace } from './trace/trace.js';
export type { KernelName } from './kernels/index.js';
export { kernels } from './kernels/index.js';
