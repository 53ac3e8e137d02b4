import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { afterAll, afterEach } from 'vitest';

/** Seconds of this process, all of its threads, and of its children that have ended (on Linux). */
function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  const stat = existsSync('/proc/self/stat') ? readFileSync('/proc/self/stat', 'utf8') : ') ';
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ofChildren = (Number(fields[13] ?? 0) + Number(fields[14] ?? 0)) / 100;
  return (user + system) / 1e6 + ofChildren;
}

/** `NAS_TEST_TIMES=FILE` appends a line for each file of tests: its processor time, with its imports and children. */
const file = process.env['NAS_TEST_TIMES'];
if (file !== undefined) {
  const before = processorSeconds();
  let name = '';
  afterEach(({ task }) => void (name = task.file.name));
  afterAll(() => appendFileSync(file, `${(processorSeconds() - before).toFixed(1).padStart(6)} s  ${name}\n`));
}
