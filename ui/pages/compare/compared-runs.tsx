import { duration, percent } from '../../../base/number-text.js';
import type { ComparisonAnswer, RunAnswer, RunId } from '../../../experiments/page/api.js';
import { RunState } from '../../components/run-status.js';
import { runAddress } from '../../data/addresses.js';
import { textOf, titleOf } from '../../data/measures.js';
import { SideBySide, type SideCell, type SideRow } from './side-by-side.js';
import { bestOf } from './value-rows.js';

type Compared = ComparisonAnswer['runs'][number];

/** What runs are, as rows of text: those that differ are marked. */
const facts: readonly {
  readonly title: string;
  readonly of: (run: Compared, info: RunAnswer | undefined) => string;
}[] = [
  { title: 'name', of: ({ run }) => run.name },
  { title: 'search', of: (_, info) => info?.provenance.search ?? '' },
  { title: 'data', of: (_, info) => info?.provenance.data ?? '' },
  { title: 'teacher', of: (_, info) => info?.provenance.teacher ?? '' },
  { title: 'supernet', of: (_, info) => info?.provenance.supernet ?? '' },
  { title: 'loss', of: (_, info) => info?.provenance.loss ?? '' },
  { title: 'decisions', of: (_, info) => (info === undefined ? '' : String(info.decisions.length)) },
  { title: 'evaluation', of: ({ run }) => (run.evaluation === 'table' ? 'from a table' : 'by training') },
  { title: 'seed', of: ({ run }) => String(run.seed) },
  { title: 'threads', of: ({ run }) => String(run.threads) },
  { title: 'version of nas', of: ({ run }) => run.version },
];

const countText = (value: number): string => value.toLocaleString('en-US');

/** The best value of an objective on a frontier; null on an empty one. */
function bestValue({ frontier }: Compared, { name, direction }: ComparisonAnswer['objectives'][number]): number | null {
  const values = frontier.flatMap(({ values: all }) => (Object.hasOwn(all, name) ? [all[name]] : []));
  if (values.length === 0) return null;
  return direction === 'minimize' ? Math.min(...values) : Math.max(...values);
}

const marked = (texts: readonly string[], best: readonly boolean[]): readonly SideCell[] =>
  texts.map((text, i) => ({ text, ...(best[i] ? { mark: 'best' as const } : {}) }));

/** What runs reached: the best values of their frontiers, and how much these dominate. */
function resultRows({ objectives, measures, runs }: ComparisonAnswer): readonly SideRow[] {
  const shares = runs.map(({ points }) => points.at(-1)?.share ?? null);
  return [
    ...objectives.map((objective) => {
      const values = runs.map((run) => bestValue(run, objective));
      return {
        title: `best ${titleOf(measures, objective.name)}`,
        cells: marked(
          values.map((value) => textOf(measures, objective.name, value)),
          bestOf(values, objective.direction),
        ),
      };
    }),
    {
      title: 'hypervolume',
      cells: marked(
        shares.map((share) => (share === null ? '-' : percent(share))),
        bestOf(shares, 'maximize'),
      ),
    },
    { title: 'on the frontier', cells: runs.map(({ frontier }) => ({ text: countText(frontier.length) })) },
  ];
}

/** How far runs are, and what that took. */
const effortRows = (runs: readonly Compared[]): readonly SideRow[] => [
  { title: 'state', cells: runs.map(({ run }) => ({ text: <RunState run={run} /> })) },
  {
    title: 'complete trials',
    cells: runs.map(({ run }) => ({ text: `${countText(run.counts.complete)} of ${countText(run.planned)}` })),
  },
  {
    title: 'pruned, failed',
    cells: runs.map(({ run: { counts } }) => ({ text: `${countText(counts.pruned)}, ${countText(counts.failed)}` })),
  },
  {
    title: 'compute',
    cells: runs.map(({ points }) => ({ text: duration(points.at(-1)?.seconds ?? 0) })),
  },
  {
    title: 'started',
    cells: runs.map(({ run }) => ({ text: run.startedAt.replace('T', ' ').replace(/\.\d+Z$/, ' UTC') })),
  },
];

/** What runs reached, what that took, and what they are. */
export function ComparedRuns({
  answer,
  infos,
}: {
  readonly answer: ComparisonAnswer;
  readonly infos: readonly RunAnswer[];
}) {
  const { runs } = answer;
  const infoOf = (id: RunId) => infos.find((info) => info.id === id);
  const factRows = facts.flatMap(({ title, of }): SideRow[] => {
    const texts = runs.map((run) => of(run, infoOf(run.id)));
    if (texts.every((text) => text === '')) return [];
    return [
      {
        title,
        differs: texts.some((text) => text !== texts[0]),
        cells: texts.map((text) => ({ text: text === '' ? '-' : text })),
      },
    ];
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
        rows={[...resultRows(answer), ...effortRows(runs), ...factRows]}
      />
    </section>
  );
}
