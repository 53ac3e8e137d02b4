// Prints the lines of each room, and fails where one is larger than its budget in CONTRIBUTING.md ("Line budgets"). Since the first
// release, it also prints how many lines each room has gained or lost since the last one.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const notSource = ['test', 'bench', 'docs'];

function git(...args) {
  try {
    return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return '';
  }
}

/** Lines by room, in the work tree or at a commit. */
function linesOf(commit) {
  const where = commit === undefined ? ['--untracked', '-e', ''] : ['-e', '', commit];
  const counted = git('grep', '-c', ...where, '--', '*.ts', '*.tsx', 'native/*.c', 'native/*.h');
  const lines = new Map();
  for (const row of counted.split('\n').filter(Boolean)) {
    const [file, count] = row.split(':').slice(-2);
    if (!file.includes('/')) continue;
    const room = file.startsWith('native/test/') ? 'test' : file.split('/')[0];
    for (const name of notSource.includes(room) ? [room] : [room, 'all source'])
      lines.set(name, (lines.get(name) ?? 0) + Number(count));
  }
  return lines;
}

const rows = readFileSync('CONTRIBUTING.md', 'utf8').matchAll(/^\| `?([a-z -]+?)`? +\| +([\d,]+) +\|$/gm);
const budgets = new Map([...rows].map(([, room, budget]) => [room, Number(budget.replaceAll(',', ''))]));
const release = git('describe', '--tags', '--abbrev=0').trim();
const before = release === '' ? null : linesOf(release);

let isFine = true;
const print = (...cells) =>
  console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(16) : cell.padStart(8))).join(' '));
print('room', 'lines', 'budget', ...(before === null ? [] : [`since ${release}`]));
for (const [room, count] of [...linesOf()].sort(([a], [b]) => a.localeCompare(b))) {
  const budget = budgets.get(room);
  const change = count - (before?.get(room) ?? 0);
  const verdict =
    budget === undefined ? ['no budget in CONTRIBUTING.md'] : count > budget ? [`${count - budget} too many`] : [];
  if (verdict.length > 0) isFine = false;
  const since = before === null ? [] : [change > 0 ? `+${change}` : String(change)];
  print(room, String(count), String(budget ?? '-'), ...since, ...verdict);
}
if (!isFine) {
  console.error('Make a room smaller, or raise its budget in CONTRIBUTING.md in a commit that says why.');
  process.exitCode = 1;
}
