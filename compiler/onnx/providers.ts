import type { DepthwiseWay } from '../graph/index.js';

/** What an ONNX Runtime execution provider can do, as far as the compiler cares. */
export interface ProviderCapabilities {
  /** Has ONNX Runtime's blocked CPU kernels; whether they work on this machine is tested. */
  readonly blockedLayout: boolean;
  /** The faster way for depthwise convolutions of small images, where there is no blocked layout. */
  readonly depthwise: DepthwiseWay;
}

const capabilities: Readonly<Record<string, ProviderCapabilities>> = {
  cpu: { blockedLayout: true, depthwise: 'matrices' },
};
/** Graphics cards and other accelerators have direct depthwise kernels and do not know the blocked layout. */
const accelerator: ProviderCapabilities = { blockedLayout: false, depthwise: 'operator' };

export const capabilitiesOf = (provider: string): ProviderCapabilities => capabilities[provider] ?? accelerator;
