import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The folder of the package that a file or folder is in. */
export const packageRoot = (path: string): string =>
  existsSync(join(path, 'package.json')) ? path : packageRoot(dirname(path));

/**
 * The JavaScript file that a worker thread or process starts from, beside the module at `importMetaUrl`.
 * When the TypeScript sources run directly (tests, benchmarks), it is the built twin in `dist/`.
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
 * The environment for a process that trains: glibc, which reads it when the process starts, then asks the kernel for
 * pages of 2 MiB (`madvise`) instead of 4 KiB. Training passes over tensors much larger than what the processor
 * remembers of small pages. A setting that is there already stays; other C libraries and systems ignore it.
 */
export function withLargePages(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const given = environment[variable];
  if (given?.includes(setting)) return environment;
  return { ...environment, [variable]: [...(given ? [given] : []), `${setting}=1`].join(':') };
}
