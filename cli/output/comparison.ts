import type { Comparison, MethodSummary, Quartiles } from '../../experiments/index.js';
import type { Column } from './table.js';

const short = (value: number): string => value.toFixed(3);

/** `0.958 (0.942 to 0.971)` */
const middle = ({ low, median, high }: Quartiles): string => `${short(median)} (${short(low)} to ${short(high)})`;

function goal({ to99: { evaluations, variants, searches } }: MethodSummary): string {
  const [there, of] = variants[1] > 1 ? variants : searches;
  const what = variants[1] > 1 ? 'devices' : 'seeds';
  return `${evaluations === null ? 'never' : Math.round(evaluations)} (${there}/${of} ${what})`;
}

/** One column for each number of evaluations, then how soon the goal is reached and what an ask takes. */
export const comparisonColumns = (at: readonly number[]): Column<MethodSummary>[] => [
  { title: 'controller', cell: ({ method }) => method },
  ...at.map((evaluations): Column<MethodSummary> => ({
    title: `${evaluations}`,
    cell: ({ curve }) => middle(curve[evaluations - 1]),
  })),
  { title: 'to 99 %', cell: goal },
  { title: 'front found', numeric: true, cell: ({ found }) => String(Math.round(found)) },
  { title: 'ask [ms]', numeric: true, cell: ({ askMs }) => (askMs === null ? '-' : askMs.toFixed(2)) },
];

/** What the figures are, in a few words. */
export function comparisonTitle({ variants, search, seeds }: Comparison): string {
  const [{ objectives }] = variants;
  const goals = objectives.map(({ name, direction, cost }, i) => {
    const called = i === 1 && variants.length > 1 ? `${variants.length} devices` : name;
    return `${direction} ${called} (${cost})`;
  });
  const parallel = search.parallel === 1 ? '' : `, ${search.parallel} at once`;
  return `${goals.join(', ')}; ${search.trials} evaluations${parallel}, ${seeds} ${seeds === 1 ? 'seed' : 'seeds'}`;
}
