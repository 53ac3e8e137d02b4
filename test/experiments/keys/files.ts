import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Random } from '../../../base/random.js';
import { sum } from '../../../base/statistics.js';
import { parseExperiment } from '../../../experiments/parse/index.js';
import { runExperiment } from '../../../runner/index.js';
import { fitLatencyModel, latencyModelFile } from '../../../latency-models/index.js';
import { createSpace, spaceSchema, tableSpace, type Genotype } from '../../../spaces/index.js';
import { drawWeights, initialWeights, sharedSpecs, toOnnx } from '../../../spaces/models/index.js';
import { cifar10 } from '../../../trainers/data/sources/cifar.js';
import { saveWeights } from '../../../trainers/index.js';
import { layersModelOf } from '../../support/layers-model.js';
import { makeBoxedImages, makeMaskedImages } from '../../support/boxed-images.js';
import { makeTinyDataset } from '../../support/tiny-dataset.js';
import { noisePicture } from '../../trainers/data/colours.js';
import { saveLayersModel } from '../../trainers/support/layers-model-file.js';
import { earlierRun } from '../../runner/earlier-run.js';
import { smallSpace } from '../../runner/experiment.js';
import { writeTable, type TableRow } from '../../runner/table-experiment.js';
import { SimulatedRunner } from './simulated.js';

type Two = readonly [string, string];

const two = (make: (index: number) => string): Two => [make(0), make(1)];
const twoOf = async (make: (index: number) => Promise<string>): Promise<Two> => [await make(0), await make(1)];

const names = ['red', 'green', 'blue'] as const;

/** 12 pictures for each class, wider than high, and a table of them. */
async function pictures(folder: string, seed: number, labelled = true): Promise<string> {
  const rows = ['image,file,label,colour,split,part,group,camera'];
  for (const [c, name] of names.entries()) {
    const inside = labelled ? join(folder, name) : folder;
    mkdirSync(inside, { recursive: true });
    for (let i = 0; i < 12; i++) {
      const file = labelled ? `${name}/${i}.png` : `${name}-${i}.png`;
      await noisePicture(`${seed} ${name} ${i}`, 30, 20).toFile(join(folder, file));
      const other = labelled ? `${names[(c + 1) % 3]}/${i}.png` : '';
      const split = (of: number) => ['train', 'train', 'val', 'test', 'train', 'train'][(i + of) % 6];
      rows.push([file, other, name, names[(c + (i % 2)) % 3], split(0), split(1), i % 10, i % 7].join(','));
    }
  }
  if (labelled) writeFileSync(`${folder}.csv`, tableOf(folder, rows));
  return folder;
}

const tableOf = (folder: string, rows: readonly string[]): string =>
  rows
    .map((line, i) => (i === 0 ? line : line.replaceAll(/(red|green|blue)\/\d+\.png/g, (file) => join(folder, file))))
    .join('\n');

function cifar(folder: string, seed: number): string {
  mkdirSync(folder, { recursive: true });
  const random = new Random(seed, 'cifar');
  for (const { name } of cifar10.files) {
    const records = Array.from({ length: 40 }, (_, i) => {
      const record = Uint8Array.from({ length: 3073 }, () => random.int(256));
      record[0] = i % 10;
      return record;
    });
    writeFileSync(join(folder, name), Buffer.concat(records));
  }
  return folder;
}

const controller = (reason: string): string => `
const nth = ({ decisions, canonical }, number) => {
  for (let i = 0, seen = new Set(); ; i++) {
    let rest = i;
    const own = canonical(decisions.map(({ choices: { length } }) => {
      const index = rest % length;
      rest = Math.floor(rest / length);
      return index;
    }));
    seen.add(own.join());
    if (seen.size > number) return own;
  }
};
export default ({ space }) => ({
  ask: ({ number }) => ({ genotype: nth(space, number), reason: '${reason}' }),
});
`;

const spaceModule = (filters: number): string => `
export default ({ input, classes }) => ({
  name: 'own',
  decisions: [{ name: 'width', choices: [${filters}, ${2 * filters}] }],
  canonical: (genotype) => genotype,
  build: ([width]) => ({
    kind: 'network', input, classes,
    stem: { filters: [${filters}, ${2 * filters}][width], kernel: 3, stride: 2, act: 'relu' },
    blocks: [],
    head: { filters: 0, act: 'relu', dropout: 0 },
  }),
});
`;

/** The boxes of a folder as a table, with two columns of groups. */
function tableOfBoxes(folder: string): string {
  const { images, annotations } = JSON.parse(readFileSync(join(folder, 'boxes.json'), 'utf8')) as {
    images: { id: number; file_name: string }[];
    annotations: { image_id: number; category_id: number; bbox: [number, number, number, number] }[];
  };
  const rows = annotations.map(({ image_id: id, category_id: label, bbox: [left, top, width, height] }) => {
    const file = images.find((image) => image.id === id)?.file_name ?? '';
    return [join(basename(folder), file), left, top, left + width, top + height, label, id % 20, id % 13].join(',');
  });
  const path = `${folder}.csv`;
  writeFileSync(path, ['image,x1,y1,x2,y2,label,group,camera', ...rows].join('\n'));
  return path;
}

/** Of two runs that say the opposite of each other. */
const opposite =
  (i: number) =>
  (genotype: Genotype): number =>
    0.5 + 0.01 * (i === 0 ? 1 : -1) * sum(genotype);
const ofTable = tableSpace('results', [
  { name: 'depth', choices: [0, 1, 2, 3] },
  { name: 'kernel', choices: ['k3', 'k5', 'k7', 'k11'] },
  { name: 'act', choices: ['relu', 'swish', 'none'] },
]);

/** Files that the experiments of the table need. */
export async function writeFiles(folder: string) {
  const file = (name: string, text: string | Uint8Array): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const idx = two((i) => {
    makeTinyDataset(join(folder, `idx-${i}`), { train: 20, size: 28, seed: i });
    return join(folder, `idx-${i}`);
  });
  const own = await twoOf((i) => pictures(join(folder, `pictures-${i}`), i));
  const damaged = `${own[0]}-damaged`;
  cpSync(own[0], damaged, { recursive: true });
  writeFileSync(join(damaged, 'red', '0.png'), 'damaged');
  const table = readFileSync(`${own[0]}.csv`, 'utf8');
  writeFileSync(`${own[0]}.csv-damaged.csv`, table.replaceAll(own[0], damaged));
  writeFileSync(`${own[0]}.csv-without.csv`, table.replace(',split,', ',_split,'));
  const boxes = await twoOf(
    async (i) => (await makeBoxedImages(join(folder, `boxes-${i}`), { count: 24, seed: 1 + i })).path,
  );
  const masks = await twoOf(
    async (i) => (await makeMaskedImages(join(folder, `masks-${i}`), { count: 12, seed: 1 + i })).path,
  );
  const unlabelled = await twoOf((i) => pictures(join(folder, `more-${i}`), 2 + i, false));
  const space = await createSpace(spaceSchema.parse(smallSpace), { input: [28, 28, 1], classes: 10 });
  const random = new Random(0, 'networks');
  const networks = Array.from({ length: 6 }, () =>
    space.build(space.canonical(space.decisions.map(({ choices }) => random.int(choices.length)))),
  );
  const largest = networks[0];
  const layers = await twoOf((i) => saveLayersModel(layersModelOf(largest, i), join(folder, `layers-${i}`)));
  const decisions = space.decisions.map(({ name, choices }) => [name, choices] as const);
  const rows = [0, 1].map((c) => decisions.map(([, choices]) => choices[Math.min(c, choices.length - 1)]));
  const header = decisions.map(([name]) => name).join(',');
  const run = async (name: string, changes: object): Promise<string> => {
    const workdir = join(folder, name);
    const loaded = parseExperiment(join(folder, `${name}.yaml`), JSON.stringify({ ...trainingBase(idx), ...changes }));
    await runExperiment(loaded, { workdir, workers: () => new SimulatedRunner() }, () => undefined);
    return workdir;
  };
  const latencyModel = (name: string, i: number, precision: 'fp32' | 'int8'): string => {
    const model = fitLatencyModel(networks.map((network, n) => ({ network, ms: 1 + n + i })));
    return file(name, JSON.stringify(latencyModelFile(model, precision)));
  };
  const objectives = ['accuracy', 'latency_ms'];
  const supernet = { supernet: { epochs: 1 } };
  return {
    idx,
    cifar: two((i) => cifar(join(folder, `cifar-${i}`), i)),
    pictures: own,
    tables: two((i) => `${own[i]}.csv`),
    unlabelled,
    boxes,
    masks,
    boxTable: tableOfBoxes(boxes[0]),
    controllers: two((i) => file(`controller-${i}.mjs`, controller(`number ${i}`))),
    seeds: two((i) => file(`seeds-${i}.csv`, `${header}\n${rows[i].join(',')}\n`)),
    earlier: two((i) => earlierRun(join(folder, `earlier-${i}`), space, 'accuracy', opposite(i))),
    decision: [decisions[0][0], decisions[0][1][0], decisions[0][1][1]] as [string, number, number],
    modules: two((i) => file(`space-${i}.mjs`, spaceModule(8 + 8 * i))),
    evaluators: two((i) => file(`evaluate-${i}.mjs`, `export default () => ({ accuracy: 0.${i + 1}, own: ${i} });`)),
    weights: two((i) => {
      const path = join(folder, `weights-${i}.bin`);
      saveWeights(drawWeights(sharedSpecs(space), i), path);
      return path;
    }),
    latencies: two((i) =>
      file(
        `latencies-${i}.csv`,
        `${header},ms,other\n${rows.map((row, r) => [...row, 1 + r + i, 2 + r].join(',')).join('\n')}\n`,
      ),
    ),
    models: two((i) => latencyModel(`model-${i}.json`, i, 'fp32')),
    int8Models: two((i) => latencyModel(`int8-${i}.json`, i, 'int8')),
    onnx: two((i) => file(`teacher-${i}.onnx`, toOnnx({ network: largest, weights: initialWeights(largest, i) }))),
    layers,
    results: two((i) => {
      const change = ({ acc, ...rest }: TableRow) => ({ ...rest, acc: acc - i / 100 });
      return writeTable(join(folder, `table-${i}`), { change }).csv;
    }),
    /** As `seeds` and `decision`, of a table. */
    ofTable: {
      seeds: two((i) => file(`table-seeds-${i}.csv`, `depth,kernel,act\n${i},k3,relu\n`)),
      earlier: two((i) => earlierRun(join(folder, `table-earlier-${i}`), ofTable, 'accuracy', opposite(i))),
      decision: ['depth', 1, 2] as [string, number, number],
    },
    folders: two((i) => {
      mkdirSync(join(folder, `folder-${i}`));
      return join(folder, `folder-${i}`);
    }),
    texts: two((i) => file(`text-${i}.onnx`, `secret ${i}`)),
    runs: [
      await run('first', { objectives }),
      await run('second', { seed: 2, objectives, latency: { calibration: 5 } }),
    ] as Two,
    supernets: [await run('one', supernet), await run('two', { ...supernet, seed: 2 })] as Two,
  };
}

export type KeyFiles = Awaited<ReturnType<typeof writeFiles>>;

/** The experiment that all rows of trainings change. */
export const trainingBase = ([path]: Two): object => ({
  name: 'keys',
  seed: 1,
  data: { type: 'fashion-mnist', path },
  space: smallSpace,
  train: { epochs: 4, batch: 20 },
  engine: { type: 'compiled', provider: 'cpu', threads: 1 },
  objectives: ['accuracy', 'macs'],
  search: { controller: 'random', trials: 4, parallel: 1 },
  latency: { calibration: 4 },
});
