// Compares the names that the package exports with the table "Names" of docs/api.md, and their number with a limit. Exported
// functions need a docstring, and a program of docs/api.md or docs/recipes.md that uses them.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const limit = 40;
const { exports } = JSON.parse(readFileSync('package.json', 'utf8'));
const entries = Object.entries(exports).map(([path, { default: file }]) => [
  path.replace('.', 'nas'),
  file.replace('./dist/', '').replace(/\.js$/, '.ts'),
]);

const page = readFileSync('docs/api.md', 'utf8');
const programs = page + readFileSync('docs/recipes.md', 'utf8');
const named = (cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name);
const documented = new Map(
  [...page.matchAll(/^\| `(nas[\w/]*)` \| (.*) \| (.*)\|$/gm)].map(([, module, values, types]) => [
    module,
    { values: named(values), types: named(types) },
  ]),
);

/** Each name that a module exports, with the file that declares it. `type` stands before types: verbatimModuleSyntax asks for it. */
function exportsOf(file) {
  const text = readFileSync(file, 'utf8');
  const listed = [...text.matchAll(/^export (type )?\{([^}]*)\} from '(.*)\.js';$/gm)].flatMap(
    ([, type, names, from]) =>
      names.split(',').flatMap((each) => {
        const name = each.replace(/\btype\b/, '').trim();
        const isValue = type === undefined && !/\btype\b/.test(each);
        return name === '' ? [] : [{ name, isValue, file: join(dirname(file), `${from}.ts`) }];
      }),
  );
  const own = [...text.matchAll(/^export (?:async )?(const|function|class|interface|type) (\w+)/gm)].map(
    ([, kind, name]) => ({ name, isValue: kind !== 'interface' && kind !== 'type', file }),
  );
  const all = [...text.matchAll(/^export \* from '(.*)\.js';$/gm)].flatMap(([, from]) =>
    exportsOf(join(dirname(file), `${from}.ts`)),
  );
  return [...listed, ...own, ...all];
}

/** Whether a docstring ends above the declaration of a name, in the file or where it comes from. */
function hasDocstring(name, file) {
  const text = readFileSync(file, 'utf8');
  if (new RegExp(`\\*/\\nexport (abstract |async )*(const|function|class) ${name}\\b`).test(text)) return true;
  const found = exportsOf(file).find((each) => each.name === name && each.file !== file);
  return found !== undefined && hasDocstring(name, found.file);
}

const problems = [];
let count = 0;
for (const [module, file] of entries) {
  const found = { values: [], types: [] };
  for (const { name, isValue, file: source } of exportsOf(file)) {
    found[isValue ? 'values' : 'types'].push(name);
    if (!isValue) continue;
    if (!hasDocstring(name, source)) problems.push(`${module}: ${name} has no docstring`);
    if (!new RegExp(`\\b${name}\\b[^|\`]*\\(|\\b${name}\\b\\)`).test(programs))
      problems.push(`${module}: no program of docs/api.md or docs/recipes.md uses ${name}`);
  }
  for (const kind of ['values', 'types']) {
    count += found[kind].length;
    const written = documented.get(module)?.[kind] ?? [];
    for (const name of found[kind])
      if (!written.includes(name)) problems.push(`${module}: ${name} is not in the table`);
    for (const name of written) if (!found[kind].includes(name)) problems.push(`${module}: ${name} is not exported`);
  }
}
if (count > limit) problems.push(`${count} names are exported; at most ${limit} are allowed`);
for (const problem of problems) console.error(problem);
if (problems.length > 0) {
  console.error('Change the exports in api/, or the table "Names" of docs/api.md.');
  process.exitCode = 1;
} else console.log(`${count} exported names of at most ${limit}`);
