/**
 * The recipes of `train:` compared at equal steps: the defaults of `plain` (photographs with crop and flip added by hand)
 * and of `fast`.
 *
 * Method: networks of the mobilenet space; every training uses one thread, by default for three seeds; accuracy on test
 * images that nothing else uses; CPU time of a whole training (`fit`) with its validations. The output folder caches
 * trainings, so processes with different seeds may share the work. Remove it after a change of the training.
 *
 *   npm run bench:recipe -- [--only cifar,flowers,...] [--seeds 1,2,3] [--quick]
 */
import { existsSync, mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { augmenting } from './recipe/augment.js';
import { compare, comparisonHead, comparisons } from './recipe/comparisons.js';
import { frontiers, teachers, unlabelled } from './recipe/lessons.js';
import { each, type Rows, type Setting } from './recipe/setting.js';
import { ownTeachers } from './recipe/studies.js';
import { archivePath } from './supernet/setting.js';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    seeds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    output: { type: 'string', short: 'o', default: 'runs/bench-recipe' },
  },
});
const { quick } = options;
const folder = resolve(options.output, quick ? 'quick' : '.');
const seeds = (options.seeds ?? (quick ? '1' : '1,2,3')).split(',').map(Number);
mkdirSync(folder, { recursive: true });

const comparing =
  (part: keyof typeof comparisons) =>
  async (setting: Setting): Promise<Rows> => {
    const rows = await each(await comparisons[part](setting), (row) => compare(setting, row));
    return [comparisonHead(setting.seeds), ...rows];
  };

interface Part {
  /** Archives of its images; none: they are an npm package. */
  readonly archives: readonly string[];
  readonly rows: (setting: Setting) => Promise<Rows>;
}

const [cifar, flowers] = ['cifar10-train', 'flowers'];
const parts: Readonly<Record<string, Part>> = {
  cifar: { archives: [cifar], rows: comparing('cifar') },
  flowers: { archives: [flowers], rows: comparing('flowers') },
  fashion: { archives: [], rows: comparing('fashion') },
  variants: { archives: [cifar], rows: comparing('variants') },
  teacher: { archives: [cifar], rows: teachers },
  frontier: { archives: [cifar, flowers], rows: frontiers },
  unlabelled: { archives: [cifar], rows: unlabelled },
  'own-teacher': { archives: [cifar], rows: ownTeachers },
  augment: { archives: [cifar, flowers], rows: augmenting },
};

for (const name of options.only?.split(',') ?? Object.keys(parts)) {
  if (!(name in parts)) throw new Error(`--only ${name}: expected some of ${Object.keys(parts).join(', ')}`);
  const { archives, rows } = parts[name];
  const missing = archives.map(archivePath).find((path) => !existsSync(path));
  if (missing !== undefined) {
    console.log(`${name}: skipped, ${missing} does not exist (NAS_BENCH_PEERS names the folder beside \`data\`)`);
    continue;
  }
  const [head, ...cells] = await rows({ seeds, quick, folder });
  const table = new Table({ head: [...head], style: { head: [], border: [] } });
  table.push(...cells.map((row) => [...row]));
  console.log(`${name}\n${table.toString()}`);
}
