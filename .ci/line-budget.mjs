// Prints the lines of each room, and fails where one is larger than its budget in CONTRIBUTING.md ("Line budgets").
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

const notSource = ['test', 'bench', 'docs'];
const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.ts', '*.tsx'], { encoding: 'utf8' })
  .split('\n')
  .filter((file) => file.includes('/') && existsSync(file));

const lines = new Map();
const add = (room, count) => lines.set(room, (lines.get(room) ?? 0) + count);
for (const file of files) {
  const room = file.split('/')[0];
  const count = readFileSync(file, 'utf8').split('\n').length - 1;
  add(room, count);
  if (!notSource.includes(room)) add('all source', count);
}

const rows = readFileSync('CONTRIBUTING.md', 'utf8').matchAll(/^\| `?([a-z -]+?)`? +\| +([\d,]+) +\|$/gm);
const budgets = new Map([...rows].map(([, room, budget]) => [room, Number(budget.replaceAll(',', ''))]));

let isFine = true;
console.log(`${'room'.padEnd(16)} ${'lines'.padStart(7)} ${'budget'.padStart(7)}`);
for (const [room, count] of [...lines].sort(([a], [b]) => a.localeCompare(b))) {
  const budget = budgets.get(room);
  const verdict =
    budget === undefined ? 'no budget in CONTRIBUTING.md' : count > budget ? `${count - budget} too many` : '';
  if (verdict !== '') isFine = false;
  console.log(
    `${room.padEnd(16)} ${String(count).padStart(7)} ${String(budget ?? '-').padStart(7)} ${verdict}`.trimEnd(),
  );
}
if (!isFine) {
  console.error('Make a room smaller, or raise its budget in CONTRIBUTING.md in a commit that says why.');
  process.exitCode = 1;
}
