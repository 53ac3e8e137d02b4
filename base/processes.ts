import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The folder of the package with a file or folder. */
export const packageRoot = (path: string): string =>
  existsSync(join(path, 'package.json')) ? path : packageRoot(dirname(path));

/** A module that the build writes, such as `cli/main.js`; also when TypeScript sources run directly (tests, benchmarks). */
export const builtModule = (path: string): URL =>
  pathToFileURL(join(packageRoot(fileURLToPath(import.meta.url)), 'dist', path));

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
