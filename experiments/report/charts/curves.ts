import type { TopLevelSpec } from 'vega-lite';
import type { CurvePoint, ReportMember } from '../data.js';
import { hues, renderSvg } from './render.js';

const stages = [
  { key: 'search', title: 'epoch of the search' },
  { key: 'final', title: 'epoch of the final training' },
] as const;

/** Lines beyond the hues repeat them with dashes. */
const dashes = [
  [1, 0],
  [6, 3],
  [2, 2],
];

interface Row {
  readonly epoch: number;
  readonly accuracy: number;
  readonly label: string;
}

/** One picture of several that stand side by side. */
interface Panel {
  /** Of its horizontal axis. */
  readonly title: string;
  readonly values: readonly Row[];
}

const rows = (points: readonly CurvePoint[], label: string): Row[] =>
  points.map(({ epoch, validationAccuracy }) => ({ epoch: epoch + 1, accuracy: validationAccuracy, label }));

/** Validation accuracy over the epochs of each network, the search's and the final training side by side. */
export function curvesSpec(members: readonly ReportMember[]): TopLevelSpec {
  // A network on the frontier in two precisions was trained once.
  const once = [...new Map(members.map((member) => [member.number, member])).values()];
  const ordered = once.sort((a, b) => a.number - b.number);
  const labels = ordered.map(({ number }) => `#${number}`);
  const panels = stages
    .map(({ key, title }) => ({
      title,
      values: ordered.flatMap((member, i) => rows(member.curves[key], labels[i])),
    }))
    .filter(({ values }) => values.length > 0);
  return panelsSpec("Learning curves of the frontier's networks", panels, labels);
}

/** The same of the supernet: of its largest network, whose moving statistics follow its training. */
export function supernetSpec(curve: readonly CurvePoint[]): TopLevelSpec {
  const label = 'largest network';
  const values = rows(curve, label);
  return panelsSpec("Learning curve of the supernet's largest network", [{ title: 'epoch', values }], [label]);
}

function panelsSpec(text: string, panels: readonly Panel[], labels: readonly string[]): TopLevelSpec {
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title: { text, subtitle: 'accuracy on the validation split' },
    resolve: { scale: { y: 'independent', x: 'independent' } },
    spacing: 30,
    hconcat: panels.map(({ title, values }) => ({
      width: panels.length === 1 ? 820 : 370,
      height: 280,
      data: { values: [...values] },
      mark: { type: 'line' as const, strokeWidth: 1.6, point: { size: 22 } },
      encoding: {
        x: {
          field: 'epoch',
          type: 'quantitative' as const,
          title,
          axis: { format: 'd', tickMinStep: 1 },
          scale: { zero: false, nice: false },
        },
        y: {
          field: 'accuracy',
          type: 'quantitative' as const,
          title: 'validation accuracy',
          axis: { format: '.0%' },
          scale: { zero: false },
        },
        color: {
          field: 'label',
          type: 'nominal' as const,
          scale: { domain: [...labels], range: labels.map((_, i) => hues[i % hues.length]) },
        },
        // One legend for colour and dashes.
        strokeDash: {
          field: 'label',
          type: 'nominal' as const,
          scale: {
            domain: [...labels],
            range: labels.map((_, i) => dashes[Math.floor(i / hues.length) % dashes.length]),
          },
        },
      },
    })),
  };
}

export const renderSupernet = (curve: readonly CurvePoint[]): Promise<string> => renderSvg(supernetSpec(curve));

export const renderCurves = (members: readonly ReportMember[]): Promise<string> => renderSvg(curvesSpec(members));
