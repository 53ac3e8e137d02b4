import type { CurvePoint, PredictionReport, ReportData, ReportMember } from '../../experiments/page/api.js';
import type { ComparedMethod } from '../charts/compared-method.js';
import { comparisonOption } from '../charts/comparison.js';
import { curvesOption, memberPanels, type CurvePanel } from '../charts/curves.js';
import { frontierOption } from '../charts/frontier.js';
import { frontierOfReport, frontierSize } from '../charts/frontier-report.js';
import { looks, type Look } from '../charts/look.js';
import { predictionOption } from '../charts/prediction.js';
import { renderSvg } from '../charts/svg.js';
import { qualityTexts } from './quality.js';

/** All pictures but that of predictions are as wide. */
const { width } = frontierSize;

/**
 * `frontier.svg`: all trials faintly, the frontier as a staircase, final accuracies as diamonds, intervals as bars, and
 * squares around what was given beforehand; networks in int8 are triangles.
 */
export const renderFrontier = (data: ReportData, look: Look = looks.light): string =>
  renderSvg(frontierOption(frontierOfReport(data, look)), frontierSize);

/** What is known of how latencies were predicted, whoever predicted them. */
export type DrawnPrediction = Omit<PredictionReport, 'pairs'> & {
  readonly pairs: readonly (Pick<PredictionReport['pairs'][number], 'predicted' | 'measured' | 'precision'> & {
    readonly trial?: number | null;
  })[];
};

/** Predicted against measured latency, in ms. */
export function renderPrediction(report: DrawnPrediction, look: Look = looks.light): string {
  const pairs = report.pairs.map(({ trial = null, ...pair }) => ({ trial, ...pair }));
  const texts = qualityTexts({ ...report, pairs });
  const heading = { title: 'Predicted and measured latency', subtitle: texts };
  return renderSvg(predictionOption({ ...heading, pairs, look }), { width: 500, height: 530 });
}

/** Curves of several controllers: the median of the hypervolume's share, and the middle half as a band. */
export const renderComparison = (
  methods: readonly ComparedMethod[],
  subtitle: readonly string[],
  look: Look = looks.light,
): string => renderSvg(comparisonOption({ methods, subtitle, look }), { width, height: 560 });

const curvesPicture = (title: string, panels: readonly CurvePanel[], look: Look): string =>
  renderSvg(curvesOption({ title, subtitle: ['accuracy on the validation split'], panels, look }), {
    width,
    height: 400,
  });

/** The learning curves of the frontier's networks. */
export const renderCurves = (members: readonly ReportMember[], look: Look = looks.light): string =>
  curvesPicture("Learning curves of the frontier's networks", memberPanels(members), look);

/** The same of the supernet: of its largest network, whose moving statistics follow its training. */
export const renderSupernet = (points: readonly CurvePoint[], look: Look = looks.light): string =>
  curvesPicture(
    "Learning curve of the supernet's largest network",
    [{ title: 'epoch', curves: [{ label: 'largest network', points }] }],
    look,
  );
