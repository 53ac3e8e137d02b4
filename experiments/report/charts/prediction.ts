import type { TopLevelSpec } from 'vega-lite';
import { storedPrecisions } from '../../../store/precision.js';
import type { PredictionReport } from '../data.js';
import { qualityTexts } from '../precisions.js';
import { palette, renderSvg } from './render.js';

/** The same marks as of the frontier: networks in both precisions, which have a latency model each. */
const inPrecision = <T extends string>(range: readonly T[]) => ({
  field: 'precision',
  type: 'nominal' as const,
  scale: { domain: [...storedPrecisions], range: [...range] },
});
const byPrecision = {
  color: inPrecision([palette.search, palette.final]),
  shape: inPrecision(['circle', 'triangle-up']),
};

/** Predicted against measured latency with the line of equality; both axes have the same scale. */
export function predictionSpec(report: PredictionReport): TopLevelSpec {
  const { pairs } = report;
  const values = pairs.map(({ predicted, measured, precision }) => ({ predicted, measured, precision }));
  const several = pairs.some(({ precision }) => precision !== undefined);
  const all = pairs.flatMap(({ predicted, measured }) => [predicted, measured]);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const margin = 0.06 * (high - low || high);
  const scale = { domain: [Math.max(0, low - margin), high + margin], nice: false, zero: false };
  const axis = (field: string, title: string) => ({
    field,
    type: 'quantitative' as const,
    title: `${title} latency [ms]`,
    scale,
    axis: { format: '~g' },
  });
  const x = axis('measured', 'measured');
  const y = axis('predicted', 'predicted');
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    width: 400,
    height: 400,
    title: {
      text: 'Predicted and measured latency',
      subtitle: report.precisions === undefined ? qualityTexts(report).join() : qualityTexts(report),
    },
    layer: [
      {
        data: { values: scale.domain.map((value) => ({ measured: value, predicted: value })) },
        mark: { type: 'line', color: palette.faint, strokeDash: [4, 4], strokeWidth: 1.2 },
        encoding: { x, y },
      },
      {
        data: { values },
        mark: { type: 'point', filled: true, size: 55, opacity: 0.75, color: palette.search },
        encoding: { x, y, ...(several ? byPrecision : {}) },
      },
    ],
  };
}

export const renderPrediction = (prediction: PredictionReport): Promise<string> =>
  renderSvg(predictionSpec(prediction));
