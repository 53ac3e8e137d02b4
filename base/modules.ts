import { existsSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { invalidInput, messageOf } from './errors.js';
import { dirname, join } from 'node:path';
import { packageRoot } from './processes.js';
import { createRequire } from 'node:module';

type Function = (...args: readonly never[]) => unknown;

/**
 * Imports a user's module whose default export is a function.
 * @param key of the experiment that names the file; begins messages
 * @param signature of the function, such as `(task) => Space`
 * @throws NasError `invalid-input` when the file cannot be imported or exports something else
 */
export async function importFunction<F extends Function>(file: string, key: string, signature: string): Promise<F> {
  if (!existsSync(file)) throw invalidInput(`${key}: there is no file ${file}`);
  const { default: value } = await importModule(file, key);
  if (typeof value !== 'function')
    throw invalidInput(`${key}: ${file}: must be the default export: a function ${signature}`);
  return value as F;
}

async function importModule(file: string, key: string): Promise<{ readonly default?: unknown }> {
  try {
    return (await import(pathToFileURL(file).href)) as { readonly default?: unknown };
  } catch (error) {
    const typescript = /\.[mc]?ts$/.test(file);
    throw invalidInput(`${key}: cannot import ${file}: ${messageOf(error)}`, {
      cause: error,
      ...(typescript && {
        hint: 'Compile it to JavaScript, or let Node import TypeScript: NODE_OPTIONS="--import tsx" or Node 22.18 and later.',
      }),
    });
  }
}

/** `from './x.js'`, `import './x.js'`, `import('./x.js')`, `require('./x.js')`. */
const relativeImport = /\b(?:from|import|require)\s*\(?\s*(['"])(\.{1,2}\/[^'"]+)\1/g;

/** A module and, transitively, the files that it imports by relative paths; not packages, and no paths that are computed. */
export function withImports(module: string): readonly string[] {
  const files = new Set([module]);
  // A set yields what is added while it is read.
  for (const file of files)
    for (const [, , path] of readFileSync(file, 'utf8').matchAll(relativeImport)) {
      const imported = join(dirname(file), path);
      // `require` may leave out `.js`. In TypeScript, an import of `x.js` may mean `x.ts`.
      const candidates = [imported, `${imported}.js`, imported.replace(/js$/, 'ts')];
      const found = candidates.find((one) => statSync(one, { throwIfNoEntry: false })?.isFile());
      if (found !== undefined) files.add(found);
    }
  return [...files];
}

const versionIn = (folder: string): string =>
  (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }).version;

/** The running version of nas. */
export const nasVersion = (): string => versionIn(packageRoot(fileURLToPath(import.meta.url)));

const require = createRequire(import.meta.url);

/**
 * The folder with the browser files of onnxruntime-web.
 * @param who needs it, for the error
 * @throws NasError `invalid-input` when it is not installed
 */
export function webRuntime(who: string): string {
  try {
    return dirname(require.resolve('onnxruntime-web'));
  } catch (cause) {
    throw invalidInput(`${who} needs the package onnxruntime-web`, { hint: 'npm install onnxruntime-web', cause });
  }
}

/** The version of onnxruntime-web in its folder. */
export const webRuntimeVersion = (folder: string): string => versionIn(join(folder, '..'));
