import type { LoweringName } from '../lowerings.js';

/** What an ONNX Runtime execution provider can do, as far as the compiler cares. */
export interface ProviderCapabilities {
  /** Has ONNX Runtime's blocked CPU kernels; whether they work on this machine is tested. */
  readonly blockedLayout: boolean;
  /** Lowerings that its own kernels make superfluous. */
  readonly without: readonly LoweringName[];
}

const capabilities: Readonly<Record<string, ProviderCapabilities>> = {
  cpu: { blockedLayout: true, without: [] },
};
/** Graphics cards and other accelerators have direct depthwise kernels and do not know the blocked layout. */
const accelerator: ProviderCapabilities = {
  blockedLayout: false,
  without: ['depthwise convolutions as matrix products'],
};

export const capabilitiesOf = (provider: string): ProviderCapabilities => capabilities[provider] ?? accelerator;
