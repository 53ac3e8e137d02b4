import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../../base/processes.js';
import { NasError } from '../../base/errors.js';
import { nasVersion } from '../../base/modules.js';

/** The page, which no worker runs. */
const page = 'ui';

/** All JavaScript below a folder, as relative paths with `/`, in one order everywhere. */
function scripts(folder: string, within = ''): string[] {
  return readdirSync(join(folder, within), { withFileTypes: true }).flatMap((entry) => {
    const path = within === '' ? entry.name : `${within}/${entry.name}`;
    if (entry.isDirectory()) return path === page ? [] : scripts(folder, path);
    return entry.name.endsWith('.js') ? [path] : [];
  });
}

/** @param folder `dist` of a package */
export function hashOfBuild(folder: string): string {
  const hash = createHash('sha256');
  for (const path of scripts(folder).sort((a, b) => (a < b ? -1 : 1))) {
    const content = readFileSync(join(folder, path));
    hash.update(`${path}:${content.byteLength}:`).update(content);
  }
  return hash.digest('hex').slice(0, 8);
}

let known: string | undefined;

/**
 * Names the code of this package: its version, and what its JavaScript hashes to, such as `0.1.0-1a2b3c4d`. Who writes jobs
 * and who does them must have the same, as jobs are the package's own values; and other code may compute other bits. Read
 * once per process.
 * @throws NasError `failure` when the package was not built.
 */
export function buildId(): string {
  if (known !== undefined) return known;
  const folder = join(packageRoot(fileURLToPath(import.meta.url)), 'dist');
  if (!existsSync(folder)) throw new NasError('failure', `${folder} is missing`, { hint: 'npm run build makes it.' });
  return (known = `${nasVersion()}-${hashOfBuild(folder)}`);
}
