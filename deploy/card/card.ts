import { stringify } from 'yaml';
import { ms, valueText, type Unit } from '../../base/number-text.js';
import { completeDecoding } from '../../base/preprocess.js';
import {
  columnsOf,
  mainScores,
  outputColumns,
  outputNames,
  outputScores,
  scoreText,
  type OutputColumn,
} from '../../base/scores.js';
import { sum } from '../../base/statistics.js';
import { classification, isMapTask, type MapTask, type TaskType } from '../../base/task.js';
import { counted } from '../../base/text.js';
import { frontOf, saysTask, titleOf, type CardFacts, type Fact } from './front.js';
import { int8Text, testedText } from './scores.js';
import { programsFor, type ExportTarget } from './use.js';

interface Section {
  readonly title: string;
  /** Paragraphs, lists, tables and code in Markdown. */
  readonly blocks: readonly string[];
}

/** A model card: the metadata of Hugging Face, and sections. */
export interface Card {
  readonly front: Readonly<Record<string, unknown>>;
  readonly title: string;
  readonly sections: readonly Section[];
}

const kinds: { readonly [T in TaskType]: string } = {
  classification: 'Says which of its classes an image shows.',
  'multi-label': 'Says which of its labels an image has.',
  regression: 'Estimates numbers from an image.',
  detection: 'Finds objects in an image, with their boxes.',
  centroids: 'Finds the middles of objects in an image.',
  segmentation: 'Says of which of its classes each pixel of an image is.',
};

const forms: { readonly [T in ExportTarget]: string } = {
  onnx: '`model.onnx`, for ONNX Runtime',
  web: 'a page for browsers (`index.html`), on any server of static files',
  tfjs: '`model.json` and `weights.bin`, a TF.js layers model',
  tflite: '`model.tflite`, for LiteRT',
  c: '`model.c` and `model.h`, for microcontrollers',
};

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const row = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');
const list = (facts: readonly Fact[]): string => facts.map(([name, value]) => `- ${name}: ${value}`).join('\n');
const code = (language: string, lines: readonly string[]): string => ['```' + language, ...lines, '```'].join('\n');

const arithmetic = { fp32: 'Float32', fp16: 'Float16', int8: 'Int8' } as const;

/** `Says which of its classes an image shows. Float32: ...`, without what the metadata do not say. */
function whatOf({ target, metadata }: CardFacts): string {
  const { task: { type } = classification, precision } = metadata;
  const numbers = precision === undefined ? 'The files' : arithmetic[precision];
  return `${saysTask(metadata) ? `${kinds[type]} ` : ''}${numbers}: ${forms[target]}.`;
}

const mostClasses = 200;

function classesOf({ metadata: { classes = [], task: { type } = classification } }: CardFacts): Section {
  const shown = classes.slice(0, mostClasses).map(cell).join(', ');
  const more = classes.length > mostClasses ? `, and ${classes.length - mostClasses} more in \`metadata.json\`` : '';
  return { title: outputNames[type][1], blocks: classes.length === 0 ? [] : [`${classes.length}: ${shown}${more}.`] };
}

function inputOf({ target, metadata: { input, mean, std, layout, preprocess }, hasBytes }: CardFacts): Section {
  if (input === undefined) return { title: 'Input', blocks: [] };
  const [height, width, channels] = input;
  const { fit, background, resampling } = completeDecoding(preprocess);
  const axes = layout === 'NCHW' ? [1, channels, height, width] : [1, height, width, channels];
  const facts: Fact[] = [
    ['image', `${width} x ${height} pixels, ${channels === 1 ? 'grey' : 'RGB'}, turned as EXIF says`],
    ['size', `\`${fit}\`, by the filter \`${resampling}\`, background \`${background}\``],
    ...(mean && std
      ? [['numbers', `(pixel / 255 - mean) / std, mean ${mean.join(', ')}, std ${std.join(', ')}`] as const]
      : []),
    [
      'tensor',
      `[${axes.join(', ')}], ${hasBytes || target === 'c' ? 'int8, with the scale and zero point of the file' : 'float32'}`,
    ],
  ];
  return { title: 'Input', blocks: [list(facts)] };
}

/** What the outputs are: as maps, and with the decoding inside the file. */
const mapTexts: { readonly [T in MapTask]: readonly [maps: string, decoded: string] } = {
  detection: [
    '`metadata.json` has under `detection` how the outputs become boxes; with `--to onnx --decoded` the file gives boxes.',
    'Outputs: `boxes` [N, k, 4] (left, top, right, bottom in pixels of the input), `scores` [N, k] and `labels` [N, k]; -1 is no box.',
  ],
  centroids: [
    '`metadata.json` has under `detection` how the cells of the output become centroids; with `--to onnx --decoded` the file gives centroids.',
    'Outputs: `centroids` [N, k, 2] (x and y in pixels of the input), `scores` [N, k] and `labels` [N, k]; -1 is no centroid.',
  ],
  segmentation: [
    'The output is a map of logits, one cell for the pixels that `segmentation.stride` in `metadata.json` says: upsample it bilinearly to the input and take the largest; with `--to onnx --decoded` the file gives the mask.',
    'Output: `mask` [N, height, width], the number of the class of each pixel of the input.',
  ],
};

function useOf({ target, metadata, hasBytes, decoded }: CardFacts): Section {
  const programs = programsFor(target, metadata, { hasBytes, decoded }).map(({ language, lines }) =>
    code(language, lines),
  );
  const type = metadata.task?.type;
  const found =
    type === 'segmentation' ? 'call `nas_segment()`' : isMapTask(type) ? 'call `nas_detect()`' : 'read `nas_output()`';
  const ways: { readonly [T in ExportTarget]?: string } = {
    web: 'Open the folder on a server, for example `python3 -m http.server`, and choose an image or use the camera.',
    c: `Fill \`nas_input()\` with \`nas_pixel()\` of each pixel, call \`nas_run()\`, ${found}: see \`model.h\` and \`examples/\`.`,
  };
  const way = ways[target] ?? (isMapTask(type) ? mapTexts[type][decoded ? 1 : 0] : undefined);
  return { title: 'Use', blocks: [...(way === undefined ? [] : [way]), ...programs] };
}

function accuracySection(facts: CardFacts): Section {
  const { target, metadata, tested } = facts;
  const { accuracy, classes = [], task: { type } = classification } = metadata;
  const { title } = mainScores[type];
  const [text, loss] = [testedText(facts), int8Text(facts)];
  if (text === undefined) return { title: 'Accuracy', blocks: ['Not known.'] };
  const by = target === 'tflite' || target === 'c' ? ', by the ONNX file that it was made of, in ONNX Runtime' : '';
  const validation = accuracy?.test === undefined ? undefined : accuracy.validation;
  const also =
    validation === undefined ? '' : ` Validation ${title}, by which it was chosen: ${scoreText(type, validation)}.`;
  const blocks = [`${title}: ${text}${by}.${also}`, ...(loss === undefined ? [] : [`${loss}.`])];
  if (tested === undefined) return { title: 'Accuracy', blocks };
  const rows: readonly { readonly [K in OutputColumn]?: number | null }[] = outputScores(tested);
  const columns = columnsOf(rows[0]);
  const head = [outputNames[type][0], ...columns.map((key) => outputColumns[key][0])];
  const cells = rows.map((one, i) => [
    classes[i] ?? `${i}`,
    ...columns.map((key) => valueText(outputColumns[key][1] satisfies Unit, one[key])),
  ]);
  return { title: 'Accuracy', blocks: [...blocks, table(head, cells)] };
}

function latencySection({ target, metadata: { latency } }: CardFacts): Section {
  const where = target === 'onnx' ? '' : ', of its ONNX file';
  // What runs is the ONNX file that was measured.
  const isMeasured = target === 'onnx' || target === 'web';
  if (latency === undefined || !isMeasured) return { title: 'Latency', blocks: ['Not measured in this form.'] };
  const { ms: value, provenance, device, interval } = latency;
  const sure = interval === undefined ? '' : `, 95 % interval ${interval.map(ms).join(' to ')}`;
  const on = device === undefined ? '' : ` on ${device}`;
  return {
    title: 'Latency',
    blocks: [
      `${ms(value)} for one batch${on}${where} (${provenance}${sure}). Measured latencies are medians of interleaved blocks after a warm-up; the interval includes the spread between sessions where the run knows it.`,
    ],
  };
}

function limitsOf({ metadata, tested }: CardFacts): Section {
  const { classes = [], precision, task: { type } = classification } = metadata;
  const { confusion } = tested?.type === 'classification' ? tested : { confusion: [] };
  const missed = confusion
    .map((counts, c) => ({ c, share: counts[c] / sum(counts) }))
    .filter(({ share }) => share < 1)
    .sort((a, b) => a.share - b.share);
  const limits = [
    saysTask(metadata) && type === 'classification'
      ? 'It knows its classes alone: an image of anything else gets one of them.'
      : 'It knows what its training images showed.',
    'Its scores are of images like those of its training: other cameras, light or places may give others.',
    ...missed
      .slice(0, 1)
      .map(
        ({ c, share }) =>
          `The class that it misses most is ${classes[c]}: it finds ${valueText('share', share)} of its test images.`,
      ),
    ...(precision === 'int8' ? ['Numbers are rounded to eight bits: programs may differ by a byte.'] : []),
  ];
  return { title: 'Limits', blocks: [limits.map((limit) => `- ${limit}`).join('\n')] };
}

/** The card of an exported model. */
export function modelCard(facts: CardFacts): Card {
  const { metadata, data = [], training = [], commands } = facts;
  const { quantization, nas_version: version } = metadata;
  const how: Fact[] = [
    ...training,
    ...(quantization === undefined
      ? []
      : [
          [
            'int8',
            `${quantization.method}, ${counted(quantization.images, 'calibration image')}, weights of ${quantization.weight_bits} bits`,
          ] as const,
        ]),
  ];
  return {
    front: frontOf(facts),
    title: titleOf(metadata),
    sections: [
      { title: 'What it does', blocks: [whatOf(facts)] },
      classesOf(facts),
      inputOf(facts),
      useOf(facts),
      accuracySection(facts),
      latencySection(facts),
      { title: 'Data', blocks: data.length === 0 ? [] : [list(data)] },
      { title: 'Training', blocks: how.length === 0 ? [] : [list(how)] },
      limitsOf(facts),
      {
        title: 'Reproduce',
        blocks: [
          code('sh', commands),
          ...(version === undefined ? [] : [`nas ${version}; every random choice follows from the seed.`]),
        ],
      },
    ],
  };
}

/** A card as Markdown; sections without content are left out. */
export function renderCard({ front, title, sections }: Card): string {
  const shown = sections.filter(({ blocks }) => blocks.length > 0);
  const parts = shown.map((section) => [`## ${section.title}`, ...section.blocks].join('\n\n'));
  return `---\n${stringify(front)}---\n\n${[`# ${title}`, ...parts].join('\n\n')}\n`;
}
