import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished, vi } from 'vitest';

const module = new URL('../../cli/end-with-parent.ts', import.meta.url).href;
const blocked = `import(${JSON.stringify(module)}).then(({ endWithParent }) => {
  endWithParent();
  console.log(process.pid);
  setTimeout(() => { for (;;); }, 100);
})`;
const parent = `require('node:child_process').spawn(process.execPath, ['--import', 'tsx', '-e', ${JSON.stringify(blocked)}],
  { stdio: ['ignore', 'inherit', 'inherit'] })`;

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

it('a blocked process ends when its parent is killed', async () => {
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  const started = spawn(process.execPath, ['-e', parent], { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(started.stdout, 'data')) as [Buffer];
  const pid = Number(line.toString());
  onTestFinished(() => void (isAlive(pid) && process.kill(pid, 'SIGKILL')));
  expect(isAlive(pid)).toBe(true);
  started.kill('SIGKILL');
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 60_000, interval: 100 });
});
