import { existsSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const graphicsCard = 'test/**/*.webgpu.test.ts';
const slowGraphicsCard = 'test/**/*.webgpu.slow.test.ts';
/** Tests that repeat, compare or train for long. `npm test` leaves them out; `npm run test:all` runs them, too. */
const slowTests = 'test/**/*.slow.test.ts';

/** A file system in memory, if it has room for 8 GB and runs programs: there, databases and reports wait for no disk. */
function memoryFolder(): string | undefined {
  const folder = '/dev/shm';
  const mounts = existsSync('/proc/mounts') ? readFileSync('/proc/mounts', 'utf8') : '';
  const options = new RegExp(`^\\S+ ${folder} tmpfs (\\S+)`, 'm').exec(mounts)?.[1];
  if (options === undefined || options.includes('noexec')) return undefined;
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize > 8e9 ? folder : undefined;
}

const temporary = process.env['TMPDIR'] ?? memoryFolder() ?? tmpdir();

/** Converted data sets and teachers of tests that set no cache of their own: nothing is written into the user's. */
const cache = mkdtempSync(join(temporary, 'nas-test-cache-'));
process.once('exit', () => rmSync(cache, { recursive: true, force: true }));

/** Files that take longest, though many are short. Without times of an earlier run, vitest begins with large files. */
const longest = [
  ...['native/kernels.slow', 'docs/recipes.slow', 'experiments/keys/keys.slow', 'deploy/edge/c/boards.slow'],
  ...['experiments/keys/teachers.slow', 'deploy/web.slow', 'runner/budget/budget.slow'],
  ...['workers/reliability/workers.slow', 'deploy/round-trip.slow', 'trainers/native/members.slow', 'docs/api.slow'],
  ...['workers/reliability/coordinators.slow', 'compiler/kernels/edges.slow', 'workers/coordinator/contract.slow'],
  ...['deploy/edge/tflite/litert.slow', 'docs/detection-board.slow', 'experiments/keys/trained.slow'],
  ...['latency-models/devices/serial.slow', 'trainers/supernet/exactness.slow', 'cli/processes.slow'],
  ...['runner/boxes.slow', 'docs/detection-search.slow', 'runner/kill-and-resume.slow'],
  ...['workers/coordinator/search.slow', 'workers/reliability/network.slow'],
  ...['experiments/keys/keys', 'cli/segmenter', 'workers/worker/worker', 'runner/shrink/shrink', 'bench/timing'],
  ...['runner/boxes', 'cli/export', 'runner/jobs/local-pool', 'cli/centroids', 'runner/tune-detector'],
];

/** Begins with the longest: as the last one, it would keep one core busy for minutes, and no other. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification): boolean =>
      longest.some((name) => moduleId.endsWith(`/test/${name}.test.ts`));
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

/**
 * TF.js is required, as in dist/ (see .ci/build.mjs): `import` reads these large files of CommonJS for their exports, which takes
 * three times as long as running them, in each worker.
 */
const tensorflow = {
  name: 'tensorflow',
  enforce: 'pre' as const,
  resolveId: (id: string) => (id.startsWith('@tensorflow/tfjs-') ? `\0${id}` : undefined),
  load(id: string) {
    if (!id.startsWith('\0@tensorflow/')) return undefined;
    const path = id.slice(1);
    const names = Object.keys(createRequire(import.meta.url)(path) as object).filter((name) => name !== 'default');
    return `import { createRequire } from 'node:module';
      export const { ${names.join(', ')} } = createRequire(${JSON.stringify(import.meta.url)})('${path}');`;
  },
};

const shared = {
  pool: 'forks',
  // Tests make many short-lived objects: fewer collections of garbage, less processor time. Most functions run a few times only:
  // V8 optimizes a function after 500,000 bytes of its bytecode instead of 66,000, which saves a fifth of the processor time.
  execArgv: ['--max-semi-space-size=64', '--interrupt-budget=500000'],
  // Many times the usual duration: other programs may keep the machine busy.
  testTimeout: 180_000,
  hookTimeout: 240_000,
  setupFiles: ['test/support/equal-arrays.ts', 'test/support/property-seed.ts', 'test/support/processor-time.ts'],
  // Graphs are checked between all stages.
  env: { NAS_VERIFY: '1', TMPDIR: temporary, NAS_CACHE: cache },
  // A browser's first page, or a process that measures a model, takes many times as long on a busy machine.
  expect: { poll: { timeout: 60_000 } },
} satisfies TestProjectInlineConfiguration['test'];

const processor: TestProjectInlineConfiguration = {
  plugins: [tensorflow],
  test: {
    ...shared,
    name: 'cpu',
    include: ['test/**/*.test.ts'],
    exclude: [graphicsCard, slowTests],
    // More than the gate has cores: often some of them wait for processes or a clock.
    maxWorkers: 4,
    // Loading TF.js anew for each file took as long as a third of the tests.
    isolate: false,
  },
};

const slow: TestProjectInlineConfiguration = {
  plugins: [tensorflow],
  test: {
    ...processor.test,
    name: 'slow',
    include: [slowTests],
    exclude: [slowGraphicsCard],
    setupFiles: [...shared.setupFiles, 'test/support/verify-graphs.ts'],
    // Ends a test that hangs, however busy the machine is.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    expect: { poll: { timeout: 120_000 } },
    sequence: { groupOrder: 2 },
  },
};

/** Each file in a process of its own, among the files of `cpu`: a crash of the driver fails one file only. */
const webgpu: TestProjectInlineConfiguration = {
  plugins: [tensorflow],
  test: {
    ...shared,
    name: 'webgpu',
    include: [graphicsCard],
    globalSetup: ['test/build-once.ts', 'test/support/try-webgpu.ts'],
    maxWorkers: processor.test?.maxWorkers,
    isolate: true,
  },
};

/** A software adapter compiles shaders for minutes: these files run among the other slow ones. */
const slowWebgpu: TestProjectInlineConfiguration = {
  plugins: [tensorflow],
  test: {
    ...webgpu.test,
    name: 'slow-webgpu',
    include: [slowGraphicsCard],
    testTimeout: 600_000,
    sequence: { groupOrder: 2 },
  },
};

export default defineConfig({
  test: {
    globalSetup: ['test/build-once.ts'],
    projects: [processor, webgpu, slow, slowWebgpu],
    sequence: { sequencer: LongestFirst },
    // The projects and the next run read transformed modules from node_modules/.experimental-vitest-cache.
    experimental: { fsModuleCache: true },
  },
});
