import { measureOne, type Device, type Measurable, type Protocol } from '../../../latency-models/index.js';

/** A short protocol, for tests of form and order and of what becomes of latencies, not of precision. */
export const quickProtocol: Protocol = {
  warmupMs: 20,
  blockMs: 2,
  minRuns: 3,
  maxRuns: 10,
  minBlocks: 4,
  maxBlocks: 8,
  tolerance: 0.05,
};

export const measureQuickly = (device: Device, subject: Measurable, options?: Parameters<typeof measureOne>[3]) =>
  measureOne(device, subject, quickProtocol, options);
