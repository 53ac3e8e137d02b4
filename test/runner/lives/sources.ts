import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { candidateOnnx } from '../../../runner/jobs/candidate-model.js';
import { createSpace, spaceSchema } from '../../../spaces/index.js';
import { smallSpace } from '../experiment.js';
import { writeTable } from '../table-experiment.js';
import { makeTinyDataset } from '../../support/tiny-dataset.js';

/** Writes a file or folder that a run reads: as it was, or with another content. */
type Write = (isOther: boolean) => void;

/** What a run reads, and how it is changed. */
export interface Source {
  readonly file: string;
  readonly inputs: readonly Write[];
  /** The choices of a network to enqueue. */
  readonly choices: (depth: number, kernel: string) => Readonly<Record<string, string | number>>;
}

export interface Settings {
  /** The flow mapping of `search`. */
  readonly search: string;
  /** Of the first objective. */
  readonly constraint: string | null;
  /** `constraints.flash_kb` of runs on images. */
  readonly flash: number | null;
}

type CreateSource = (folder: string, settings: Settings) => Promise<Source>;

const bounded = (constraint: string | null): string => (constraint === null ? '' : `, constraint: ${constraint}`);

/** A text file with a line that may be there or not. */
function withLine(file: string, line: string): Write {
  const text = readFileSync(file, 'utf8');
  return (isOther) => writeFileSync(file, isOther ? `${text}${line}\n` : text);
}

/** Results of a table, in simulated time. */
export const tableSource: CreateSource = (folder, { search, constraint }) => {
  const lines = [
    'objectives:',
    `  - { name: top-1, column: acc, direction: maximize${bounded(constraint)} }`,
    '  - { name: phone, column: ms, direction: minimize, cost: cheap }',
  ];
  const { file, csv } = writeTable(folder, { search, lines: [lines.join('\n')] });
  return Promise.resolve({
    file,
    inputs: [withLine(csv, '9,k3,relu,0.99,1,10')],
    choices: (depth, kernel) => ({ depth, kernel }),
  });
};

const evaluation = `export default ({ genotype }) => {
  const sum = genotype.reduce((a, b) => a + b, 0);
  return { accuracy: 0.8 + sum / (10 * (sum + 2)) };
};
`;

/** Latencies of all networks of `smallSpace`, from 1 to 7.2 ms. */
function latencies(): string {
  const { depth, filters, kernel, expand, se } = smallSpace.stages[0];
  const all = Object.entries({ depth, filters, kernel, expand, se }).reduce<readonly (readonly number[])[]>(
    (rows, [, choices]) => rows.flatMap((row) => choices.map((choice) => [...row, choice])),
    [[]],
  );
  const names = ['depth', 'filters', 'kernel', 'expand', 'se'].map((name) => `stage1.${name}`);
  return [[...names, 'ms'].join(','), ...all.map((row, i) => [...row, 1 + i / 5].join(',')), ''].join('\n');
}

/** An experiment on images of a folder, with the latencies of a table. */
function onImages(
  folder: string,
  { search, constraint, flash }: Settings,
  accuracy: string,
  lines: readonly string[],
): Source {
  mkdirSync(folder, { recursive: true });
  const [data, table, file] = ['data', 'phone.csv', 'experiment.yaml'].map((name) => join(folder, name));
  const writeData: Write = (isOther) => {
    rmSync(data, { recursive: true, force: true });
    makeTinyDataset(data, { train: isOther ? 21 : 20 });
  };
  writeData(false);
  writeFileSync(table, latencies());
  const all = [
    'name: lived',
    'seed: 3',
    `data: { type: fashion-mnist, path: ${data} }`,
    `space: ${JSON.stringify(smallSpace)}`,
    `latency: { device: { type: table, file: ${table}, column: ms } }`,
    `objectives: [{ name: ${accuracy}${bounded(constraint)} }, latency_ms]`,
    ...(flash === null ? [] : [`constraints: { flash_kb: ${flash} }`]),
    `search: ${search}`,
    ...lines,
  ];
  writeFileSync(file, `${all.join('\n')}\n`);
  return {
    file,
    inputs: [writeData, withLine(table, '9,8,3,2,0,1')],
    choices: (depth, kernel) => ({ 'stage1.kernel': kernel === 'k3' ? 3 : 5, 'stage1.filters': depth > 1 ? 16 : 8 }),
  };
}

/** Results of a function of the user's. */
export const functionSource: CreateSource = (folder, settings) => {
  const source = onImages(folder, settings, 'accuracy', ['evaluate: { type: module, path: ./mine.mjs }']);
  const module = join(folder, 'mine.mjs');
  writeFileSync(module, evaluation);
  return Promise.resolve({ ...source, inputs: [...source.inputs, withLine(module, '// other')] });
};

/** Results of slices of a supernet, which a teacher's file taught. */
export const supernetSource: CreateSource = async (folder, { search, ...settings }) => {
  const teacher = join(folder, 'teacher.onnx');
  const lines = [
    'supernet: { epochs: 1, networks: 1, calibration: 32 }',
    'train: { epochs: 1, batch: 32, augment: [], loss: { type: kd } }',
    `teacher: { type: file, path: ${teacher}, layout: NHWC, mean: [0], std: [1] }`,
    'final: none',
  ];
  const slices = search.replace('{', '{ evaluate: supernet,');
  const source = onImages(folder, { ...settings, constraint: null, search: slices }, 'supernet_accuracy', lines);
  const space = await createSpace(spaceSchema.parse(smallSpace), { input: [28, 28, 1], classes: 10 });
  const network = space.build(space.decisions.map(() => 0));
  const models = [1, 2].map((seed) => candidateOnnx({ network, seed }));
  const writeTeacher: Write = (isOther) => writeFileSync(teacher, models[isOther ? 1 : 0]);
  writeTeacher(false);
  return { ...source, inputs: [...source.inputs, writeTeacher] };
};
