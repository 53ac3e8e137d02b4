import { splitMeaning, type SplitMeaning } from '../reading/names.js';

/** The split that the name of a file or of a folder around it means, the nearest first; null: none. */
export function splitOfPath(path: string): SplitMeaning['split'] | null {
  const names = path.split('/');
  const last = (names.pop() ?? '').replace(/\.\w+$/, '');
  // A word beside the split's may name anything in a folder, but in `instances_train2017.json` it is the kind of file.
  const own = /\.(json|csv|txt|tsv)$/i.test(path) ? splitMeaning(last) : null;
  if (own !== null) return own.split;
  for (const name of names.reverse()) {
    const meaning = splitMeaning(name);
    if (meaning?.rest === '') return meaning.split;
  }
  return null;
}
