import { renderPrediction } from '../charts/prediction.js';
import type { PredictionReport, ReportData } from '../data.js';
import { qualityTexts } from '../precisions.js';
import { html, trusted, type Markup } from './markup.js';

/** How good each precision's latency model was; nothing where a run knows fp32 only. */
const ownQualities = (report: PredictionReport): string =>
  report.precisions === undefined
    ? ''
    : ` Each precision has a latency model of its own. ${qualityTexts(report).join('. ')}.`;

/** Latencies that were predicted against those that were measured; null where there are too few. */
export async function latencyModel({ prediction: report }: ReportData): Promise<Markup | null> {
  if (report === null || report.pairs.length < 2) return null;
  const own = ownQualities(report);
  return html`<section>
    <h2>Latency model</h2>
    ${trusted(await renderPrediction(report))}
    <p class="note">
      Each point is a network that was first predicted and then measured on the device. Mean absolute percentage error
      ${report.mape.toFixed(1)} %, Spearman's rank correlation ${report.spearman?.toFixed(3) ?? 'unknown'}.${own}
    </p>
  </section>`;
}
