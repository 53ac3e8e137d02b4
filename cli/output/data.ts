import { contentsText, withoutRepeated, type DataDescription } from '../../experiments/data/index.js';
import { counted } from '../../base/text.js';
import { leftOutLines, splitNames, type SplitName, unequal } from '../../trainers/index.js';
import { printable, renderFacts, renderTable, type Colors, type Column, numeric, type Fact } from './terminal.js';

const number = (value: number): string => value.toLocaleString('en-US', { maximumSignificantDigits: 3 });
const whole = (value: number): string => value.toLocaleString('en-US');

/** `jpeg 1,900, png 100`, the most frequent first. */
const countsText = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} ${whole(count)}`)
    .join(', ');

interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}
const spreadText = ({ min, median, max }: Spread): string =>
  min === max ? number(min) : `${number(min)} to ${number(max)}, median ${number(median)}`;

/** How the images are cut or framed, for the median shape. */
function fitText({ data, headers, height, width }: DataDescription): string {
  const fit = 'fit' in data ? (data.fit ?? 'cover') : 'cover';
  const median = headers?.aspects.median ?? width / height;
  const kept = Math.min(width / height / median, median / (width / height));
  if (kept > 0.99) return '';
  const meaning = {
    cover: `${number(100 * kept)} % of an image of the median shape`,
    contain: 'the whole image, with bars',
    stretch: 'the whole image, stretched',
  };
  return `; ${fit}: ${meaning[fit]}`;
}

function splitText({ assigned, data }: DataDescription): string {
  const shares = 'test' in data ? { validation: data.validation, test: data.test } : { validation: data.validation };
  const own = Object.entries(shares).filter(([name]) => !assigned.some((split) => split === name));
  const given = assigned.length === 0 ? [] : [`${assigned.join(', ')} as given`];
  return [...given, ...own.map(([name, share]) => `${number(100 * share)} % for ${name}`)].join('; ');
}

function facts(description: DataDescription): (Fact | false)[] {
  const { headers, height, width, channels, images, unlabelled } = description;
  const copies = unlabelled === null ? 0 : splitNames.reduce((sum, name) => sum + unlabelled.copies[name], 0);
  const left = copies === 0 ? '' : `; ${counted(copies, 'copy', 'copies')} of labelled images left out`;
  const sample = headers !== null && headers.images < images ? ` in a sample of ${whole(headers.images)}` : '';
  return [
    ['networks see', `${height} x ${width} pixels, ${channels === 1 ? 'grey' : 'colour'}${fitText(description)}`],
    ...(headers === null
      ? []
      : ([
          ['formats', `${countsText(headers.formats)}${sample}`],
          ['colours', countsText(headers.colours)],
          ['shorter sides', `${spreadText(headers.sides)} pixels`],
          ['width / height', spreadText(headers.aspects)],
        ] satisfies Fact[])),
    ['splits', splitText(description)],
    unlabelled !== null && ['without labels', `${counted(unlabelled.images, 'image')}${left}`],
  ];
}

type ClassRow = DataDescription['classes'][number];
/** Most rows of the table of classes. */
const mostClasses = 20;
const barWidth = 20;

function classTable({ task, classes: named, images: count, splits: all }: DataDescription, colors: Colors): string {
  const classes = named.length === 0 ? [{ name: 'all', images: count, splits: all }] : named;
  const bySize = [...classes].sort((a, b) => b.images - a.images);
  const half = mostClasses / 2;
  const shown = classes.length > mostClasses ? [...bySize.slice(0, half), ...bySize.slice(-half)] : classes;
  const largest = Math.max(1, bySize[0].images);
  const split = (name: SplitName): Column<ClassRow> =>
    numeric(name, ({ splits }) => (splits === null ? '-' : whole(splits[name])));
  const columns: Column<ClassRow>[] = [
    { title: task === 'multi-label' ? 'label' : 'class', cell: ({ name }) => printable(name) },
    numeric('images', ({ images }) => whole(images)),
    ...splitNames.map(split),
    { title: '', cell: ({ images }) => '█'.repeat(Math.ceil((barWidth * images) / largest)) },
  ];
  const which =
    shown === classes ? '' : `The ${half} largest and the ${half} smallest of ${whole(classes.length)} classes:\n`;
  return `${which}${renderTable(columns, shown, colors)}`;
}

/** Examples of a problem; `--json` has all. */
const examples = 3;

/** A problem with the first of its examples. @param total default: as many as there are examples */
export function listed(text: string, all: readonly string[], total = all.length): string {
  const first = all.slice(0, examples);
  const more = first.length > 0 && total > first.length ? [`... ${whole(total - first.length)} more`] : [];
  return [text, ...[...first, ...more].map((line) => `  ${line}`)].join('\n');
}

/** What may spoil a run: one paragraph for each problem, the worst first. */
function problemsOf(description: DataDescription): string[] {
  const { refusal, pairs, plain, imbalance, classes, images, damaged, skipped } = description;
  const fresh = withoutRepeated(pairs);
  return [
    ...(refusal === null ? [] : [`A run refuses these images: ${refusal.message}. ${refusal.hint ?? ''}`.trimEnd()]),
    ...pairs.map(({ text, images: all }, i) =>
      listed(
        `${text}.`,
        fresh[i].images.map(([a, b]) => `${a.path} (${a.split ?? 'unused'}) = ${b.path} (${b.split ?? 'unused'})`),
        all.length,
      ),
    ),
    ...splitNames.flatMap((split) => {
      const without = classes.filter(({ splits }) => splits?.[split] === 0).map(({ name }) => name);
      return without.length === 0 ? [] : [listed(`Without an image in ${split}:`, without)];
    }),
    ...(imbalance === null || imbalance < unequal
      ? []
      : [`The largest class trains with ${number(imbalance)} times the images of the smallest.`]),
    ...(plain.length === 0
      ? []
      : [
          listed(
            `${counted(plain.length, 'image is', 'images are')} of one colour.`,
            plain.map(({ path }) => path),
          ),
        ]),
    ...leftOutLines({ images, damaged, skipped }),
  ].map(printable);
}

export const section = (title: string, lines: readonly string[], colors: Colors): string =>
  lines.length === 0 ? '' : `\n${colors.bold(title)}\n${lines.map((line) => `  ${line}\n`).join('')}`;

export const problemSection = (problems: readonly string[], colors: Colors): string =>
  problems.length === 0
    ? `\n${colors.green('Nothing suspicious was found.')}\n`
    : section(
        'Problems',
        problems.map((text) => `${colors.yellow('!')} ${text.replaceAll('\n', '\n  ')}`),
        colors,
      );

/** The description of a data set, for a terminal. @param proposal lines about an experiment */
export function dataText(description: DataDescription, proposal: readonly string[], colors: Colors): string {
  const { name, notes } = description;
  return [
    `${colors.bold(printable(name))}: ${contentsText(description)}\n`,
    renderFacts(facts(description), colors),
    `\n${classTable(description, colors)}`,
    section('How it was read', notes.map(printable), colors),
    problemSection(problemsOf(description), colors),
    section('Proposed', proposal, colors),
  ].join('');
}
