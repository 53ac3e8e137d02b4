// Finds circles of imports between the children (files and folders) of each folder, and fails where there is one. An import of
// `a/b/c.ts` in `a/d/e.ts` is an arrow from `d` to `b` in the folder `a`. Imports of types count, too.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Imports that are printed for each arrow of a circle. */
const shown = 3;

const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.ts', '*.tsx'], { encoding: 'utf8' });
const files = new Set(
  listed.split('\n').filter((file) => file.includes('/') && !/^(test|bench|docs)\//.test(file) && existsSync(file)),
);

/** The files of this repository that a file imports or exports from. */
function importsOf(file) {
  const text = readFileSync(file, 'utf8');
  const found = text.matchAll(
    /^\s*(?:import|export)\s[^;]*?from\s+'(\.[^']+)'|\bimport\(\s*'(\.[^']+)'|^import\s+'(\.[^']+)'/gm,
  );
  return [...found].flatMap(([, from, dynamic, bare]) => {
    const target = join(dirname(file), from ?? dynamic ?? bare).replace(/\.js$/, '');
    const source = [`${target}.ts`, `${target}.tsx`].find((each) => files.has(each));
    return source === undefined || source === file ? [] : [source];
  });
}

/** Folder → child → child that it imports → the imports. */
const graphs = new Map();
const entry = (map, key, initial) => map.get(key) ?? map.set(key, initial).get(key);
for (const file of files)
  for (const imported of importsOf(file)) {
    const [from, to] = [file.split('/'), imported.split('/')];
    const depth = from.findIndex((name, level) => name !== to[level]);
    const graph = entry(graphs, from.slice(0, depth).join('/') || '.', new Map());
    entry(entry(graph, from[depth], new Map()), to[depth], new Set()).add(`${file} → ${imported}`);
  }

/** Everything that a child imports, directly or through others. */
function reachable(graph, child) {
  const reached = new Set();
  const open = [child];
  while (open.length > 0)
    for (const next of graph.get(open.pop())?.keys() ?? [])
      if (!reached.has(next)) {
        reached.add(next);
        open.push(next);
      }
  return reached;
}

/** Groups of children that reach each other. */
function circlesOf(graph) {
  const reached = new Map([...graph.keys()].map((child) => [child, reachable(graph, child)]));
  const circles = new Map();
  for (const [child, targets] of reached) {
    if (!targets.has(child)) continue;
    const members = [...targets].filter((other) => reached.get(other)?.has(child)).sort();
    circles.set(members.join(' '), members);
  }
  return [...circles.values()];
}

let count = 0;
for (const [folder, graph] of [...graphs].sort(([a], [b]) => a.localeCompare(b))) {
  const circles = circlesOf(graph);
  for (const members of circles) {
    count++;
    console.error(`${folder}: ${members.join(', ')} import each other`);
    for (const from of members)
      for (const [to, imports] of graph.get(from)) {
        if (!members.includes(to)) continue;
        console.error(`  ${from} → ${to}`);
        for (const each of [...imports].slice(0, shown)) console.error(`    ${each}`);
        if (imports.size > shown) console.error(`    and ${imports.size - shown} more`);
      }
  }
}
if (count > 0) {
  console.error('Move what both need into a file below them, or move the importing code up (docs/architecture.md).');
  process.exitCode = 1;
} else console.log(`${graphs.size} folders without circles of imports`);
