// Compares the names that the package exports with the table "Names" of docs/api.md, and their number with a limit. Exported
// functions need a docstring, and a program of docs/api.md or docs/recipes.md that uses them.
import { readFileSync } from 'node:fs';
import ts from 'typescript';

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

const { config } = ts.readConfigFile('tsconfig.json', ts.sys.readFile);
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, '.');
const program = ts.createProgram(
  entries.map(([, file]) => file),
  { ...options, noEmit: true },
);
const checker = program.getTypeChecker();
const problems = [];
let count = 0;
for (const [module, file] of entries) {
  const symbol = checker.getSymbolAtLocation(program.getSourceFile(file));
  const found = { values: [], types: [] };
  for (const each of checker.getExportsOfModule(symbol)) {
    const real = each.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(each) : each;
    const isValue = (real.flags & ts.SymbolFlags.Value) !== 0;
    const isTypeOnly = (each.declarations ?? []).some(
      (one) => ts.isExportSpecifier(one) && (one.isTypeOnly || one.parent.parent.isTypeOnly),
    );
    found[isValue && !isTypeOnly ? 'values' : 'types'].push(each.name);
    if (!isValue || isTypeOnly) continue;
    if (real.getDocumentationComment(checker).length === 0) problems.push(`${module}: ${each.name} has no docstring`);
    if (!new RegExp(`\\b${each.name}\\b[^|\`]*\\(|\\b${each.name}\\b\\)`).test(programs))
      problems.push(`${module}: no program of docs/api.md or docs/recipes.md uses ${each.name}`);
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
