/** TF.js programs compiled to ONNX: training steps, evaluation and inference export from one tracer. */
export { compile, compileInference, type CompileOptions, type InferenceOptions } from './compile.js';
export { exportFunction, exportModel, type ExportOptions } from './export.js';
export * from './foreign/index.js';
export * from './graph/index.js';
export { kernels, type KernelName } from './kernels/index.js';
export { contentInit, encodeModel, encodeRead, portInit } from './onnx/model.js';
export { targetWith } from './onnx/providers.js';
export { readGraph } from './onnx/read.js';
export { constantNodes, foldConstants } from './passes/constants.js';
export { requireFloat32, type Purpose } from './runtime/classifier/float32.js';
export {
  fitClassifier,
  inputTransform,
  openClassifier,
  openOnnx,
  requireRunnable,
  runOnnx,
} from './runtime/classifier/classifier.js';
export type { Classifier, OpenClassifier, OpenModel } from './runtime/classifier/classifier.js';
export { imageShape, outputKind, toTrained } from './runtime/classifier/inputs-outputs.js';
export type { ImageData, ImageLayout, OutputKind } from './runtime/classifier/inputs-outputs.js';
export { inputsOf, outputsOf, parseOnnx, showTensors } from './onnx/file.js';
export type { OnnxFile, TensorInfo } from './onnx/file.js';
export { classifierFacts, factsOf, imageSizeIn, onnxSignature, parseText } from './runtime/classifier/signature.js';
export type { ClassifierFacts, ClassifierSignature } from './runtime/classifier/signature.js';
export { executedBy, executedElsewhere, type Executed, type FloatNode } from './runtime/inspection/executed.js';
export { integerArithmetic, type IntegerArithmetic } from './runtime/inspection/integer-arithmetic.js';
export { hasLargeBytes, isFloat32, weightFormat, type NumberFormat } from './onnx/number-formats.js';
export { profileModel, type NodeTime, type Profile } from './runtime/inspection/profile.js';
export type { InferenceProgram } from './runtime/programs/inference.js';
export type { Program } from './runtime/programs/program.js';
export { createSession, selectAdapter, withSession, type SessionOptions } from './runtime/session.js';
export { StateStore } from './runtime/programs/state-store.js';
export type { Feed, HostTensor } from './runtime/programs/tensors.js';
export { adapterKinds, describeAdapter, isSoftware } from './runtime/providers/adapters.js';
export type { Adapter, AdapterKind, Adapters } from './runtime/providers/adapters.js';
export { blockedSupport, resolveTarget } from './runtime/providers/blocked-support.js';
export { adapterNamed, findCard, mayHaveCard, tryWebGpu } from './runtime/providers/find-adapters.js';
export type { WebGpuTrial } from './runtime/providers/find-adapters.js';
export { tinyModel } from './runtime/providers/probes.js';
export {
  howToGet,
  listProviders,
  remedyFor,
  requireKnown,
  requireWorking,
  tryProvider,
  type Provider,
} from './runtime/providers/providers.js';
export { portable, type Target, type TargetOptions } from './target.js';
export { normalizeBatch, uniform, withNoise } from './trace/operations.js';
export type { NormalizedBatch } from './trace/operations.js';
export { inLayer } from './trace/overrides.js';
export { trace, type InputSpec, type TraceOptions, type Traced, type TracedFunction } from './trace/trace.js';
export { scalarFunctions } from './values/arithmetic.js';
export { layOut, toStorage } from './values/layout.js';
