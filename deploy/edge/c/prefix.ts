import { invalidInput } from '../../../base/errors.js';

/** What all names of a model in C begin with, unless told otherwise. */
export const usualPrefix = 'nas';

/** An include, another string, or the beginning of a name. */
const words = /#include "[^"\n]*"|"(?:[^"\\\n]|\\.)*"|\bnas_|\bNAS_|\bmodel(?=(?:_test|_bench)?\.[ch]\b)/g;

/**
 * A file of C, or one that builds it, with another prefix: functions, types, macros and files begin with it. Kernels are static,
 * so models of several prefixes are linked into one program, each with its own kernels.
 */
export function withPrefix(text: string, prefix: string): string {
  if (prefix === usualPrefix) return text;
  return text.replace(words, (word) => {
    if (word.startsWith('#')) return word.replace(/model(?=[^/]*$)/, `${prefix}_model`);
    if (word.startsWith('"')) return word;
    return word === 'model' ? `${prefix}_model` : word === 'NAS_' ? `${prefix.toUpperCase()}_` : `${prefix}_`;
  });
}

/** @throws NasError where names of C cannot begin with it */
export function checkPrefix(prefix: string): string {
  if (/^[a-z][a-z0-9_]*$/.test(prefix)) return prefix;
  throw invalidInput(`--prefix ${prefix}: names in C cannot begin with it`, {
    hint: 'Give small letters, digits and underscores, a letter first.',
  });
}
