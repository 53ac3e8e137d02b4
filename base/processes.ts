import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The folder of the package with a file or folder. */
export const packageRoot = (path: string): string =>
  existsSync(join(path, 'package.json')) ? path : packageRoot(dirname(path));

/**
 * The JavaScript entry of a worker thread or process, beside the module at `importMetaUrl`. When TypeScript sources run
 * directly (tests, benchmarks), it is the built file in `dist/`.
 */
export function builtModule(path: string, importMetaUrl: string): URL {
  const url = new URL(path, importMetaUrl);
  const file = fileURLToPath(url);
  if (existsSync(file)) return url;
  const home = packageRoot(file);
  return pathToFileURL(join(home, 'dist', relative(home, file)));
}

const variable = 'GLIBC_TUNABLES';
const setting = 'glibc.malloc.hugetlb';

/**
 * The environment of a training process: glibc then asks the kernel for pages of 2 MiB instead of 4 KiB (`madvise`), because
 * tensors exceed the processor's cache of page addresses. An existing setting stays; other C libraries ignore it.
 */
export function withLargePages(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const given = environment[variable];
  if (given?.includes(setting)) return environment;
  return { ...environment, [variable]: [...(given ? [given] : []), `${setting}=1`].join(':') };
}
