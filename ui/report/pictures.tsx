import { mainScores } from '../../base/scores.js';
import type { TaskType } from '../../base/task.js';
import type {
  ClassReport,
  CurvePoint,
  PredictionPair,
  PredictionQuality,
  ReportData,
  ReportMember,
  StoredPrecision,
} from '../../reports/page/api.js';
import { curvesOption, memberCurves, type Curve, type Quantity } from '../charts/curves.js';
import { frontierOption } from '../charts/frontier.js';
import { frontierOfReport, frontierSize } from '../charts/frontier-report.js';
import { wrapped } from '../charts/frame.js';
import { chartThemes, type ChartTheme } from '../charts/theme.js';
import { precisionRecallOption } from '../charts/precision-recall.js';
import { predictionOption } from '../charts/prediction.js';
import { renderSvg } from '../charts/svg.js';

type Quality = Pick<PredictionQuality, 'count' | 'mape' | 'spearman'> &
  Partial<Pick<PredictionQuality, 'unreliable' | 'mapeError'>>;

function qualityText({ count, mape, mapeError, spearman, unreliable = 0 }: Quality): string {
  const unsure = unreliable === 0 ? '' : `, ${unreliable} of them not reliably measured`;
  const error = mapeError === undefined ? '' : ` ± ${mapeError.toFixed(1)}`;
  return `${count} networks${unsure}; mean error ${mape.toFixed(1)} %${error}, rank correlation ${spearman?.toFixed(2) ?? 'unknown'}`;
}

/** The quality of the latency model of each precision. */
export const qualityTexts = ({ precisions, ...all }: DrawnPrediction): string[] =>
  precisions === undefined ? [qualityText(all)] : precisions.map((own) => `${own.precision}: ${qualityText(own)}`);

/** The width of all charts except predictions. */
const { width } = frontierSize;

/** `frontier.svg`; `frontierOption` says what it shows. */
export const renderFrontier = (data: ReportData, theme: ChartTheme = chartThemes.light): string =>
  renderSvg(frontierOption(frontierOfReport(data, theme)), frontierSize);

/** Predicted and measured latencies of any model. */
export type DrawnPrediction = Quality & {
  readonly precisions?: readonly (Quality & { readonly precision: StoredPrecision })[];
  readonly pairs: readonly (Pick<PredictionPair, 'predicted' | 'measured' | 'precision' | 'unreliable'> & {
    readonly trial?: number | null;
  })[];
};

export function renderPrediction(report: DrawnPrediction, theme: ChartTheme = chartThemes.light): string {
  const pairs = report.pairs.map(({ trial = null, ...pair }) => ({ trial, ...pair }));
  const texts = qualityTexts(report).flatMap((text) => wrapped(text, 70));
  const heading = { title: 'Predicted and measured latency', subtitle: texts };
  return renderSvg(predictionOption({ ...heading, pairs, theme }), { width: 500, height: 530 });
}

function curvesPicture(
  task: TaskType,
  title: string,
  curves: readonly Curve[],
  quantity: Quantity,
  theme: ChartTheme,
): string {
  const { title: score, ofTraining } = mainScores[task];
  const [name, isDotted] = quantity === 'score' ? [score, ofTraining] : ['loss', true];
  const images = isDotted ? 'Solid: validation images, dotted: training images' : 'Validation images';
  const subtitle = [`${images}; hollow marks: in the search`];
  return renderSvg(
    curvesOption({ title: `${title}: ${name}`, subtitle, curves, quantity, training: true, log: true, task, theme }),
    { width, height: 400 },
  );
}

export const renderCurves = (
  task: TaskType,
  members: readonly ReportMember[],
  quantity: Quantity = 'score',
  theme: ChartTheme = chartThemes.light,
): string => curvesPicture(task, "Learning curves of the frontier's networks", memberCurves(members), quantity, theme);

/** The learning curve of the supernet's largest network, the only one whose batch norm statistics are trained. */
export const renderSupernet = (task: TaskType, points: readonly CurvePoint[], theme: ChartTheme): string => {
  const curves = [{ label: 'largest network', stage: 'search', points } as const];
  return curvesPicture(task, "Learning curve of the supernet's largest network", curves, 'score', theme);
};

/** The curves of precision and recall of a detector; null where they are not known. */
export function renderPrecisionRecall(
  { classes, of }: Pick<ClassReport, 'classes' | 'of'>,
  theme: ChartTheme = chartThemes.light,
): string | null {
  if (classes.every(({ curve }) => curve === undefined)) return null;
  const subtitle = [`Of ${of}, with an overlap of 1/2; marks: at the thresholds`];
  const option = precisionRecallOption({ title: 'Precision and recall', subtitle, classes, theme });
  return renderSvg(option, { width: 640, height: 420 });
}

/** An SVG by `renderSvg`, which escapes user input. */
export const Drawn = ({ svg }: { readonly svg: string }) => (
  <figure class="drawn" dangerouslySetInnerHTML={{ __html: svg }} />
);
