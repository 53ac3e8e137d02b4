import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';

/** The reason why nginx is unavailable; false if it is available. */
const nginxMissing: string | false =
  spawnSync('nginx', ['-v']).status !== 0 && 'nginx is not installed; on Debian or Ubuntu: apt install nginx';

/** Tests with a real nginx. Without nginx they are skipped, and the title names the package to install. */
export function describeWithNginx(name: string, body: () => void): void {
  describe.skipIf(nginxMissing !== false)(nginxMissing === false ? name : `${name} (skipped: ${nginxMissing})`, body);
}

/** A running nginx with a temporary folder. */
export interface Nginx {
  readonly stop: () => Promise<void>;
}

/** Folders where nginx buffers data; its defaults lie outside the test's folder. */
const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

/** Starts nginx with a configuration whose paths are relative to a temporary folder. Resolves when nginx listens. */
export async function startNginx(configuration: string): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), 'nas-nginx-'));
  const file = join(folder, 'nginx.conf');
  const paths = temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ');
  writeFileSync(file, configuration.replace('http {', `http { ${paths}`));
  const child = spawn(
    'nginx',
    ['-p', folder, '-c', file, '-e', 'stderr', '-g', 'daemon off; error_log stderr notice;'],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  const end = (): void => void child.kill('SIGKILL');
  process.once('exit', end);
  const over = once(child, 'exit');
  await new Promise<void>((resolve, reject) => {
    // nginx starts its workers after it listens.
    child.stderr.on('data', () => log.includes('start worker process') && resolve());
    child.once('exit', (code) => reject(new Error(`nginx ended with ${String(code)}:\n${log}`)));
    child.once('error', reject);
  });
  return {
    stop: async () => {
      process.off('exit', end);
      child.kill('SIGTERM');
      await over;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
