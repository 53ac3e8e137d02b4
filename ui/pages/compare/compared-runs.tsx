import { useMemo, useState } from 'preact/hooks';
import { duration, percent } from '../../../base/number-text.js';
import type { ComparisonAnswer, RunAnswer } from '../../../reports/page/api.js';
import { Checkbox } from '../../components/elements.js';
import { RunState } from '../../components/run-status.js';
import { runAddress } from '../../data/addresses.js';
import { alignLines } from '../../data/line-diff.js';
import { evaluationTexts, measureOf, textWithError, titleOf } from '../../data/measures.js';
import { numberRow, SideBySide, type SideRow, type SideValue } from './side-by-side.js';

type Compared = ComparisonAnswer['runs'][number];

const countText = (value: number): string => value.toLocaleString('en-US');

/** The best value of an objective on a frontier; null on an empty one. */
function bestValue({ frontier }: Compared, { name, direction }: ComparisonAnswer['objectives'][number]): SideValue {
  const known = frontier.flatMap(({ values, certainty }) =>
    Object.hasOwn(values, name) ? [{ value: values[name], certainty: certainty?.[name] }] : [],
  );
  const sign = direction === 'minimize' ? 1 : -1;
  return known.toSorted((a, b) => sign * (a.value - b.value)).at(0) ?? { value: null };
}

function resultRows({ objectives, measures, runs }: ComparisonAnswer): readonly SideRow[] {
  const row = (title: string, of: (run: Compared) => SideRow['cells'][number]['text']): SideRow => ({
    title,
    cells: runs.map((run) => ({ text: of(run) })),
  });
  return [
    ...objectives.map((objective) => {
      const { name, direction } = objective;
      const values = runs.map((run) => bestValue(run, objective));
      return numberRow(
        `best ${measureOf(measures, name)?.searchTitle ?? titleOf(measures, name)}`,
        values,
        direction,
        ({ value, certainty }) => textWithError(measures, name, value, certainty),
        (i) => (values[i].certainty?.unreliable === undefined ? null : 'unreliable'),
      );
    }),
    numberRow(
      'hypervolume',
      runs.map(({ points }) => ({ value: points.at(-1)?.share ?? null })),
      // Its error is not known.
      undefined,
      ({ value }) => (value === null ? '-' : percent(value)),
    ),
    row('on the frontier', ({ frontier }) => countText(frontier.length)),
    row('state', ({ run }) => <RunState run={run} />),
    row('complete trials', ({ run }) => `${countText(run.counts.complete)} of ${countText(run.planned)}`),
    row('pruned, failed', ({ run: { counts } }) => `${countText(counts.pruned)}, ${countText(counts.failed)}`),
    row('compute', ({ points }) => duration(points.at(-1)?.seconds ?? 0)),
    row('started', ({ run }) => run.startedAt.replace('T', ' ').replace(/\.\d+Z$/, ' UTC')),
  ];
}

/** Facts of runs; rows that differ are marked. */
const facts: readonly (readonly [title: string, of: (run: Compared, info: RunAnswer | undefined) => string])[] = [
  ['name', ({ run }) => run.name],
  ['search', (_, info) => info?.provenance.search ?? ''],
  ['data', (_, info) => info?.provenance.data ?? ''],
  ['teacher', (_, info) => info?.provenance.teacher ?? ''],
  ['supernet', (_, info) => info?.provenance.supernet ?? ''],
  ['loss', (_, info) => info?.provenance.loss ?? ''],
  ['decisions', (_, info) => (info === undefined ? '' : String(info.decisions.length))],
  ['evaluation', ({ run }) => evaluationTexts[run.evaluation]],
  ['seed', ({ run }) => String(run.seed)],
  ['threads', ({ run }) => String(run.threads)],
  ['version of nas', ({ run }) => run.version],
];

interface ComparedRunsProps {
  readonly answer: ComparisonAnswer;
  readonly infos: readonly RunAnswer[];
}

export function ComparedRuns({ answer, infos }: ComparedRunsProps) {
  const { runs } = answer;
  const factRows = facts.flatMap(([title, of]): SideRow[] => {
    const texts = runs.map((run) =>
      of(
        run,
        infos.find(({ id }) => id === run.id),
      ),
    );
    if (texts.every((text) => text === '')) return [];
    const differs = texts.some((text) => text !== texts[0]);
    return [{ title, differs, cells: texts.map((text) => ({ text: text === '' ? '-' : text })) }];
  });
  return (
    <section>
      <h2>Runs</h2>
      <SideBySide
        label="Runs side by side"
        heads={runs.map(({ id }) => (
          <a key={id} href={runAddress(id)}>
            {id}
          </a>
        ))}
        rows={[...resultRows(answer), ...factRows]}
      />
    </section>
  );
}

const absent = <span class="side-note">(absent)</span>;

/** The settings of runs with every default: the lines that differ, or all. */
export function ComparedSettings({ infos }: Pick<ComparedRunsProps, 'infos'>) {
  const [all, setAll] = useState(false);
  const texts = infos.map(({ settings }) => settings);
  const rows = useMemo(() => alignLines(texts), [texts.join('\0')]);
  const different = rows.filter(({ same }) => !same);
  const shown = all ? rows : different;
  return (
    <section>
      <div class="head">
        <h2>Settings</h2>
        <span class="note">
          {different.length} of {rows.length} lines differ
        </span>
      </div>
      <div class="toolbar">
        <Checkbox label="Also what is the same" checked={all} onChange={setAll} />
      </div>
      {shown.length === 0 ? (
        <p class="empty">All runs have the same settings.</p>
      ) : (
        <SideBySide
          label="Settings of runs"
          areLines
          heads={infos.map(({ id }) => id)}
          rows={shown.map(({ path, cells, same }) => ({
            title: path,
            differs: !same,
            cells: cells.map((cell) => ({ text: cell === null ? absent : all ? cell : cell.trim() })),
          }))}
        />
      )}
    </section>
  );
}
