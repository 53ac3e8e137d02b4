import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';

/** Why there can be no nginx here; false where there can. */
const nginxMissing: string | false =
  spawnSync('nginx', ['-v']).status !== 0 && 'there is no nginx here; on Debian or Ubuntu: apt install nginx';

/** Tests with a real nginx. Where there is none they are skipped, and say what to install. */
export function describeWithNginx(name: string, body: () => void): void {
  describe.skipIf(nginxMissing !== false)(nginxMissing === false ? name : `${name} (skipped: ${nginxMissing})`, body);
}

/** An nginx of a test's own, in a temporary folder. */
export interface Nginx {
  /** What it wrote into its error log. */
  readonly complaints: () => string;
  readonly stop: () => Promise<void>;
}

/** Where nginx writes what it receives: by default in folders that are not the test's. */
const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

/** Starts nginx with a configuration, whose paths are relative to a temporary folder; resolves when it listens. */
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
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const end = (): void => void child.kill('SIGKILL');
  process.once('exit', end);
  const over = once(child, 'exit');
  await new Promise<void>((resolve, reject) => {
    // Workers are started when the sockets listen.
    child.stderr.on('data', () => said.includes('start worker process') && resolve());
    child.once('exit', (code) => reject(new Error(`nginx ended with ${String(code)}:\n${said}`)));
    child.once('error', reject);
  });
  return {
    complaints: () => said,
    stop: async () => {
      process.off('exit', end);
      child.kill('SIGTERM');
      await over;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
