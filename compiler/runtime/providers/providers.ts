import { listSupportedBackends } from 'onnxruntime-node';
import { invalidInput } from '../../../base/errors.js';
import { tryWebGpu } from './find-adapters.js';
import { tryTinyModel } from './trial.js';

/** An execution provider of this build of ONNX Runtime. */
export interface Provider {
  /** `cpu`, `webgpu`, `cuda`. */
  readonly name: string;
  /** Whether the package contains the provider's libraries; otherwise the user installs them. */
  readonly bundled: boolean;
}

/** The execution providers of this build of ONNX Runtime, `cpu` first; `tryProvider` tests them. */
export const listProviders = (): Provider[] =>
  listSupportedBackends()
    .map(({ name, bundled }) => ({ name, bundled }))
    .sort((a, b) => Number(b.name === 'cpu') - Number(a.name === 'cpu'));

const remedies: Readonly<Record<string, string>> = {
  cuda: "CUDA on Linux x64: install NVIDIA's driver, the CUDA 12 runtime and cuDNN 9, and fetch ONNX Runtime's own libraries, which are not in the npm registry and which npm skips here (ONNXRUNTIME_NODE_INSTALL=true node node_modules/onnxruntime-node/script/install); then engine: {type: compiled, provider: cuda}",
  webgpu:
    'WebGPU: on Linux, install the Vulkan driver of the graphics card (Debian and Ubuntu: apt install mesa-vulkan-drivers for AMD and Intel, the package nvidia-driver for NVIDIA; Fedora: dnf install mesa-vulkan-drivers, akmod-nvidia); macOS and Windows need nothing',
};

export const howToGet = (provider: string): string => remedies[provider] ?? 'The provider "cpu" runs everywhere';

export const remedyFor = (provider: string): string => `${howToGet(provider)}. \`nas doctor\` shows what works here.`;

/** @throws NasError `invalid-input` when this build of ONNX Runtime lacks the provider */
export function requireKnown(provider: string): void {
  const known = listProviders().map(({ name }) => name);
  if (known.includes(provider)) return;
  throw invalidInput(`the execution provider "${provider}" is not available; there are ${known.join(', ')}`, {
    hint: '`nas devices` and `nas doctor` show which of them work here, and how to get more.',
  });
}

/** @throws NasError `invalid-input` when the provider does not work here, with the reason and a remedy */
export async function requireWorking(provider: string, device: string | null = null): Promise<void> {
  requireKnown(provider);
  const reason = provider === 'cpu' ? null : await tryProvider(provider, device);
  if (reason === null) return;
  const where = device === null ? 'here' : `here on device ${device}`;
  throw invalidInput(`the execution provider "${provider}" does not work ${where}: ${reason}`, {
    hint: remedyFor(provider),
  });
}

const tried = new Map<string, Promise<string | null>>();

/**
 * Tests an execution provider (see `tryTinyModel`), once per provider and device.
 * @param device as `Target.device`
 * @returns null when it works, otherwise the reason
 */
export function tryProvider(provider: string, device: string | null = null): Promise<string | null> {
  const key = `${provider} ${device ?? ''}`;
  const answer = tried.get(key) ?? tryOut(provider, device);
  tried.set(key, answer);
  return answer;
}

const tryOut = async (provider: string, device: string | null): Promise<string | null> =>
  (provider === 'webgpu' ? (await tryWebGpu(device)).trial : await tryTinyModel(provider, device)).reason;
