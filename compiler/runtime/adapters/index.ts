/** The graphics adapters of this machine: what they are called, which are none but software, and choosing one. */
export { adapterKinds, describeAdapter, isSoftware, type Adapter, type AdapterKind, type Adapters } from './adapter.js';
export { adapterNamed } from './choose.js';
export { findCard, mayHaveCard, tryWebGpu, type WebGpuTrial } from './find.js';
export { selectAdapter } from './select.js';
