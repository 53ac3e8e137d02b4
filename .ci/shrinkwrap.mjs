// Writes npm-shrinkwrap.json into the package that npm packs: versions of its dependencies, of which only those run install scripts
// that `allowScripts` of package.json allows. ONNX Runtime's would download CUDA libraries from another host (docs/adr/0043).
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const { name, version, dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta, allowScripts } =
  JSON.parse(readFileSync('package.json', 'utf8'));
const folder = mkdtempSync(join(tmpdir(), 'nas-shrinkwrap-'));
try {
  // As package.json without what is for a clone alone; the lock file keeps the versions.
  const published = { name, version, dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(published));
  copyFileSync('package-lock.json', join(folder, 'package-lock.json'));
  const install = ['install', '--package-lock-only', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  execFileSync('npm', install, { cwd: folder, stdio: 'inherit' });
  const lock = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8'));
  for (const [path, entry] of Object.entries(lock.packages))
    if (allowScripts[path.replace(/.*node_modules\//, '')] !== true) delete entry.hasInstallScript;
  writeFileSync('npm-shrinkwrap.json', JSON.stringify(lock, null, 2));
} finally {
  rmSync(folder, { recursive: true });
}
