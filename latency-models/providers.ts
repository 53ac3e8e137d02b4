import { listSupportedBackends } from 'onnxruntime-node';
import { invalidInput } from '../base/errors.js';

/** An execution provider that this build of ONNX Runtime knows. */
export interface Provider {
  /** As the option is written: `cpu`, `webgpu`, `cuda`. */
  readonly name: string;
  /** Whether its libraries come with the package; others need libraries that the user installs. */
  readonly bundled: boolean;
}

/** The execution providers that this build of ONNX Runtime knows, `cpu` first. A provider can still lack its hardware. */
export const listProviders = (): Provider[] =>
  listSupportedBackends()
    .map(({ name, bundled }) => ({ name, bundled }))
    .sort((a, b) => Number(b.name === 'cpu') - Number(a.name === 'cpu'));

/** @throws NasError `invalid-input` when this build of ONNX Runtime does not know the provider. */
export function requireProvider(name: string): void {
  const known = listProviders().map((provider) => provider.name);
  if (known.includes(name)) return;
  throw invalidInput(`the execution provider "${name}" is not available; there are ${known.join(', ')}`, {
    hint: 'Choose one of them for the device; `nas devices` says which work here, `nas doctor` how to get more.',
  });
}
