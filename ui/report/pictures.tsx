import type { CurvePoint, PredictionReport, ReportData, ReportMember } from '../../experiments/page/api.js';
import type { ComparedMethod } from '../charts/points.js';
import { comparisonOption } from '../charts/comparison.js';
import { curvesOption, memberPanels, type CurvePanel } from '../charts/curves.js';
import { frontierOption } from '../charts/frontier.js';
import { frontierOfReport, frontierSize } from '../charts/frontier-report.js';
import { chartThemes, type ChartTheme } from '../charts/theme.js';
import { predictionOption } from '../charts/prediction.js';
import { renderSvg } from '../charts/svg.js';

/** How well latency was predicted, one line a model: each precision has its own. */
export function qualityTexts({ pairs, mape, spearman, precisions }: PredictionReport): string[] {
  const line = (count: number, error: number, correlation: number | null): string =>
    `${count} networks; mean error ${error.toFixed(1)} %, rank correlation ${correlation?.toFixed(3) ?? 'unknown'}`;
  if (precisions === undefined) return [line(pairs.length, mape, spearman)];
  return precisions.map((own) => `${own.precision}: ${line(own.count, own.mape, own.spearman)}`);
}

/** All pictures but that of predictions are as wide. */
const { width } = frontierSize;

/**
 * `frontier.svg`: all trials faintly, the frontier as a staircase, final accuracies as diamonds, intervals as bars, and
 * squares around what was given beforehand; networks in int8 are triangles.
 */
export const renderFrontier = (data: ReportData, theme: ChartTheme = chartThemes.light): string =>
  renderSvg(frontierOption(frontierOfReport(data, theme)), frontierSize);

/** What is known of how latencies were predicted, whoever predicted them. */
export type DrawnPrediction = Omit<PredictionReport, 'pairs'> & {
  readonly pairs: readonly (Pick<PredictionReport['pairs'][number], 'predicted' | 'measured' | 'precision'> & {
    readonly trial?: number | null;
  })[];
};

/** Predicted against measured latency, in ms. */
export function renderPrediction(report: DrawnPrediction, theme: ChartTheme = chartThemes.light): string {
  const pairs = report.pairs.map(({ trial = null, ...pair }) => ({ trial, ...pair }));
  const texts = qualityTexts({ ...report, pairs });
  const heading = { title: 'Predicted and measured latency', subtitle: texts };
  return renderSvg(predictionOption({ ...heading, pairs, theme }), { width: 500, height: 530 });
}

/** Curves of several controllers: the median of the hypervolume's share, and the middle half as a band. */
export const renderComparison = (
  methods: readonly ComparedMethod[],
  subtitle: readonly string[],
  theme: ChartTheme = chartThemes.light,
): string => renderSvg(comparisonOption({ methods, subtitle, theme }), { width, height: 560 });

const curvesPicture = (title: string, panels: readonly CurvePanel[], theme: ChartTheme): string =>
  renderSvg(curvesOption({ title, subtitle: ['accuracy on the validation split'], panels, theme }), {
    width,
    height: 400,
  });

/** The learning curves of the frontier's networks. */
export const renderCurves = (members: readonly ReportMember[], theme: ChartTheme = chartThemes.light): string =>
  curvesPicture("Learning curves of the frontier's networks", memberPanels(members), theme);

/** The same of the supernet: of its largest network, whose moving statistics follow its training. */
export const renderSupernet = (points: readonly CurvePoint[], theme: ChartTheme = chartThemes.light): string =>
  curvesPicture(
    "Learning curve of the supernet's largest network",
    [{ title: 'epoch', curves: [{ label: 'largest network', points }] }],
    theme,
  );

/** A picture that was drawn as SVG here, which wrote what users gave as text. */
export const Drawn = ({ svg }: { readonly svg: string }) => (
  <figure class="drawn" dangerouslySetInnerHTML={{ __html: svg }} />
);
