// Builds dist/, unless it comes from the files that are here now: npm builds a clone when it installs it, and again before the
// first `npx nas`. Modules are bundled: Node.js needs longer to find, read and link hundreds of files than to run them.
import { build } from 'esbuild';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
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

/** What tests and benchmarks import in processes of their own. */
const imported = ['experiments', 'runner', 'spaces/models', 'store', 'trainers', 'trainers/data'].map(
  (folder) => `${folder}/index.js`,
);

/** The modules by which programs and processes begin: of the package, and those that the sources name for `builtModule`. */
function entries() {
  const { bin, exports } = JSON.parse(readFileSync('package.json', 'utf8'));
  const named = [bin.nas, ...Object.values(exports).map((one) => one.default)].map((path) =>
    path.replace(/^(\.\/)?dist\//, ''),
  );
  const started = include
    .flatMap((folder) => readdirSync(folder, { recursive: true }).map((file) => join(folder, file)))
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(/\bbuiltModule\('([^']+\.js)'\)/g)].map(([, path]) => path),
    );
  return [...named, ...started, ...imported].map((path) => path.replace(/js$/, 'ts'));
}

/** Drawing is a bundle of its own, with its packages; `imports` of package.json says where. */
const drawing = {
  name: 'drawing',
  setup: ({ onResolve }) => onResolve({ filter: /\/ui\/index\.js$/ }, () => ({ path: '#ui', external: true })),
};

/**
 * TF.js is CommonJS in a few large files. `import` looks for its exports by reading each of them, which takes longer than running
 * it; `require` does not, and gives the same module. Its names are written down here instead.
 */
const tensorflow = {
  name: 'tensorflow',
  setup({ onResolve, onLoad }) {
    const require = createRequire(import.meta.url);
    const named = (path) => Object.keys(require(path)).filter((name) => name !== 'default');
    onResolve({ filter: /^@tensorflow\/tfjs-/ }, ({ path }) => ({ path, namespace: 'tensorflow' }));
    onLoad({ filter: /./, namespace: 'tensorflow' }, ({ path }) => ({
      contents: `import { createRequire } from 'node:module';
        export const { ${named(path).join(', ')} } = createRequire(import.meta.url)('${path}');`,
    }));
  },
};

/** Writes the modules, and removes those of earlier builds. */
async function bundle() {
  const { metafile } = await build({
    entryPoints: entries(),
    outbase: '.',
    outdir: 'dist',
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: true,
    sourcesContent: false,
    metafile: true,
    logLevel: 'warning',
    plugins: [drawing, tensorflow],
  });
  for (const entry of readdirSync('dist', { withFileTypes: true, recursive: true })) {
    const file = join(entry.parentPath, entry.name);
    if (/\.js(\.map)?$/.test(file) && !file.startsWith('dist/ui/') && !(file in metafile.outputs)) rmSync(file);
  }
}

const before = inputs();
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== before) {
  rmSync(stamp, { force: true });
  const run = (...command) => execFileSync(process.execPath, command, { stdio: 'inherit' });
  run('node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json');
  await bundle();
  run('--import', 'tsx', 'ui/build.ts');
  chmodSync('dist/cli/main.js', 0o755);
  writeFileSync(stamp, before);
}
