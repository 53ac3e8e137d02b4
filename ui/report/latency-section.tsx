import type { PredictionReport } from '../../experiments/page/api.js';
import { Drawn } from './drawn.js';
import { pageLook } from './page-look.js';
import { renderPrediction } from './pictures.js';
import { qualityTexts } from './quality.js';

/** How good each precision's latency model was; nothing where a run knows fp32 only. */
const ownQualities = (report: PredictionReport): string =>
  report.precisions === undefined
    ? ''
    : ` Each precision has a latency model of its own. ${qualityTexts(report).join('. ')}.`;

/** Latencies that were predicted against those that were measured; nothing where there are too few. */
export function LatencySection({ report }: { readonly report: PredictionReport }) {
  if (report.pairs.length < 2) return null;
  return (
    <section>
      <h2>Latency model</h2>
      <Drawn svg={renderPrediction(report, pageLook)} />
      <p class="note">
        Each point is a network that was first predicted and then measured on the device. Mean absolute percentage error{' '}
        {report.mape.toFixed(1)} %, Spearman's rank correlation {report.spearman?.toFixed(3) ?? 'unknown'}.
        {ownQualities(report)}
      </p>
    </section>
  );
}
