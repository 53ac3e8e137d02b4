export { readToken } from '../base/server.js';
export * from './device.js';
export { startAgent, type Agent, type AgentOptions } from './devices/agent/agent-server.js';
export { AgentClient } from './devices/agent/client.js';
export { findBrowser, tryBrowser } from './devices/browser/browser-device.js';
export { createDevice, type DeviceContext } from './devices/create-device.js';
export { asMeasuredBy, localDeviceOf, needsQueue } from './devices/worker.js';
export { profileLayers } from './devices/local.js';
export { precisionText, saturates, saturationText } from './devices/onnx-model.js';
export { describeEnvironment } from './machine.js';
export { readDeviceTable, type DeviceTable } from './predictors/device-table.js';
export { Catalogue, type Profile, type Sample } from './predictors/features.js';
export { fitLatencyModel, fitSamples, latencyModelFile, latencyModelFrom, type FitOptions } from './predictors/fit.js';
export type { Fit } from './predictors/fit-linear-cost.js';
export {
  modelKinds,
  type LatencyModel,
  type ModelKind,
  type Observation,
  type Prediction,
} from './predictors/linear-cost-model.js';
export * from './predictors/measured-networks.js';
export { designSamples, selectCalibration, type DesignOptions } from './predictors/sample-design.js';
export * from './predictors/validation.js';
export {
  defaultProtocol,
  timedRuns,
  timeInterleaved,
  type Block,
  type BlockShape,
  type Clock,
  type Subject,
} from './protocol.js';
export * from './schema.js';
