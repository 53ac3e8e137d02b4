/** What an ONNX Runtime execution provider can do, as far as the compiler cares. */
export interface ProviderCapabilities {
  /** Has ONNX Runtime's blocked CPU kernels; whether they work on this machine is tested. */
  readonly blockedLayout: boolean;
}

const capabilities: Readonly<Record<string, ProviderCapabilities>> = {
  cpu: { blockedLayout: true },
};
/** Graphics cards and other accelerators have direct depthwise kernels and do not know the blocked layout. */
const accelerator: ProviderCapabilities = { blockedLayout: false };

export const capabilitiesOf = (provider: string): ProviderCapabilities => capabilities[provider] ?? accelerator;
