import type { ComparedMethod } from './charts/comparison.js';
import type { PredictionReport, ReportData } from './data.js';

/** The picture of a run, as SVG text; Vega is loaded when a picture is drawn. */
export async function renderFrontier(data: ReportData): Promise<string> {
  const charts = await import('./charts/frontier.js');
  return charts.renderFrontier(data);
}

/** Curves of several controllers as SVG text. */
export async function renderComparison(
  methods: readonly ComparedMethod[],
  subtitle: readonly string[],
): Promise<string> {
  const charts = await import('./charts/comparison.js');
  return charts.renderComparison(methods, subtitle);
}

/** The page of a run, as HTML text that needs nothing else. */
export async function renderPage(data: ReportData): Promise<string> {
  const page = await import('./html/page.js');
  return page.renderPage(data);
}

/** Predicted against measured latency, as SVG text. */
export async function renderPrediction(prediction: Omit<PredictionReport, 'pairs'> & Pairs): Promise<string> {
  const charts = await import('./charts/prediction.js');
  return charts.renderPrediction({
    ...prediction,
    pairs: prediction.pairs.map((pair, trial) => ({ trial, ...pair })),
  });
}

interface Pairs {
  readonly pairs: readonly { readonly predicted: number; readonly measured: number }[];
}
