// Builds dist/, unless it comes from the files that are here now: npm builds a clone when it installs it, and again before the
// first `npx nas`.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const { include } = JSON.parse(readFileSync('tsconfig.build.json', 'utf8'));
const stamp = 'dist/built-from';

/** The names, dates and sizes of everything that a build reads. */
function inputs() {
  const inFolders = [...include, 'ui'].flatMap((folder) =>
    readdirSync(folder, { recursive: true }).map((file) => join(folder, file)),
  );
  const files = ['package-lock.json', 'package.json', 'tsconfig.json', 'tsconfig.build.json', ...inFolders.sort()];
  const hash = createHash('sha256');
  for (const file of files) {
    const { mtimeMs, size } = statSync(file);
    hash.update(`${file} ${mtimeMs} ${size}\n`);
  }
  return hash.digest('hex');
}

const before = inputs();
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== before) {
  rmSync(stamp, { force: true });
  const run = (...command) => execFileSync(process.execPath, command, { stdio: 'inherit' });
  run('node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json');
  run('--import', 'tsx', 'ui/build.ts');
  chmodSync('dist/cli/main.js', 0o755);
  writeFileSync(stamp, before);
}
