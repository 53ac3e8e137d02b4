import { basename, dirname } from 'node:path';
import { choiceName } from './model.js';

/** What every export calls its file: the folder then tells which model it is. */
const anonymous = 'model';
const ending = '.onnx';

/** What a file is called in addresses: letters, digits, `.`, `_` and `-`. */
function nameOf(file: string): string {
  const own = basename(file, ending);
  const name = own === anonymous ? basename(dirname(file)) : own;
  return (
    name
      .normalize('NFKD')
      .replace(/[^\w.-]+/g, '-')
      .replace(/^[.-]+|-+$/g, '') || anonymous
  );
}

/**
 * A name for each file, in their order: the file's own, or its folder's where that is `model.onnx`. Where several have the
 * same, and where it stands for the scheduler's choice, a number is added.
 * @param files absolute
 */
export function modelNames(files: readonly string[]): string[] {
  const taken = new Set([choiceName]);
  return files.map((file) => {
    const wanted = nameOf(file);
    let name = wanted;
    for (let i = 2; taken.has(name); i++) name = `${wanted}-${i}`;
    taken.add(name);
    return name;
  });
}
