import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { listSupportedBackends } from 'onnxruntime-node';
import { builtModule } from '../../base/built-module.js';
import { invalidInput } from '../../base/errors.js';

/** An execution provider that this build of ONNX Runtime knows. */
export interface Provider {
  /** As the option is written: `cpu`, `webgpu`, `cuda`. */
  readonly name: string;
  /** Whether its libraries come with the package; others need libraries that the user installs. */
  readonly bundled: boolean;
}

/** The execution providers that this build of ONNX Runtime knows, `cpu` first; whether they work is `tryProvider`'s answer. */
export const listProviders = (): Provider[] =>
  listSupportedBackends()
    .map(({ name, bundled }) => ({ name, bundled }))
    .sort((a, b) => Number(b.name === 'cpu') - Number(a.name === 'cpu'));

const remedies: Readonly<Record<string, string>> = {
  cuda: "CUDA on Linux x64: install NVIDIA's driver, the CUDA 12 runtime and cuDNN 9, and fetch ONNX Runtime's own libraries, which are not in the npm registry and which .npmrc skips (ONNXRUNTIME_NODE_INSTALL=true node node_modules/onnxruntime-node/script/install); then engine: {type: compiled, provider: cuda}",
  webgpu: 'WebGPU on Linux: install a Vulkan driver for the graphics card',
};

/** How to get a provider that does not work here. */
export const remedyFor = (provider: string): string =>
  `${remedies[provider] ?? 'The provider "cpu" runs everywhere'}. \`nas doctor\` says what works here.`;

/** @throws NasError `invalid-input` when this build of ONNX Runtime does not know the provider. */
export function requireKnown(provider: string): void {
  const known = listProviders().map(({ name }) => name);
  if (known.includes(provider)) return;
  throw invalidInput(`the execution provider "${provider}" is not available; there are ${known.join(', ')}`, {
    hint: '`nas devices` and `nas doctor` say which of them work here, and how to get more.',
  });
}

/** @throws NasError `invalid-input` when the provider does not work here: what is missing, and how to get it. */
export async function requireWorking(provider: string): Promise<void> {
  requireKnown(provider);
  const reason = provider === 'cpu' ? null : await tryProvider(provider);
  if (reason === null) return;
  throw invalidInput(`the execution provider "${provider}" does not work here: ${reason}`, {
    hint: remedyFor(provider),
  });
}

/** A provider whose libraries hang is given up after this long. */
const patienceMs = 30_000;
const tried = new Map<string, Promise<string | null>>();

/**
 * Runs a tiny model with an execution provider, in a process of its own: a provider whose libraries do not fit may end
 * the process. Once for each provider.
 * @returns null when it works, otherwise why not.
 */
export function tryProvider(provider: string): Promise<string | null> {
  const answer = tried.get(provider) ?? runTinyModel(provider);
  tried.set(provider, answer);
  return answer;
}

function runTinyModel(provider: string): Promise<string | null> {
  const entry = fileURLToPath(builtModule('./try-provider-main.js', import.meta.url));
  return new Promise((resolve) => {
    execFile(process.execPath, [entry, provider], { timeout: patienceMs }, (error, out, err) => {
      if (error === null) resolve(null);
      else if (error.killed === true) resolve(`gave no answer in ${patienceMs / 1000} s`);
      else
        resolve(
          reason(out) ?? reason(err) ?? `the process ended (${error.signal ?? `exit code ${String(error.code)}`})`,
        );
    });
  });
}

/** The first line that says something. */
const reason = (text: string): string | undefined =>
  text
    .split('\n')
    .map((line) => line.trim())
    .find((line) => line !== '');
