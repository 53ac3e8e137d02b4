import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { invalidInput, messageOf } from './errors.js';

type Function = (...args: readonly never[]) => unknown;

/**
 * The default export of a module that a user wrote: a function.
 * @param key of the experiment that names the file; messages begin with it.
 * @param signature what is expected, such as `(task) => Space`.
 * @throws NasError `invalid-input` when the file cannot be imported or exports something else.
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
