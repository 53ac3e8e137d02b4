import type { TopLevelSpec } from 'vega-lite';
import type { ReportData, ReportMember, ReportTrial } from '../data.js';
import { axisOf, objectiveTitle } from '../format.js';
import { palette, renderSvg } from './render.js';

/** The objectives that span the picture; with one objective, it is drawn against the trial's number. */
interface Plane {
  readonly x: string;
  readonly y: string;
}

const trialNumber = 'trial';

function planeOf({ objectives }: ReportData): Plane {
  const [first, second] = objectives;
  return { y: first.name, x: objectives.length > 1 ? second.name : trialNumber };
}

const valueOf = (trial: ReportTrial, name: string): number | undefined =>
  name === trialNumber ? trial.number : trial.values[name];

interface Point {
  readonly x: number;
  readonly y: number;
  readonly series: string;
  readonly label: string;
  readonly low?: number;
  readonly high?: number;
  readonly from?: number;
}

const seriesNames = {
  trials: 'trials',
  search: 'frontier, in the search',
  final: 'after the final training',
} as const;

function point(trial: ReportTrial, plane: Plane, series: string): Point | undefined {
  const x = valueOf(trial, plane.x);
  const y = valueOf(trial, plane.y);
  return x === undefined || y === undefined ? undefined : { x, y, series, label: `#${trial.number}` };
}

const isPoint = (value: Point | undefined): value is Point => value !== undefined;

/** The 95 % interval of a measured latency, where latency is the horizontal axis. */
function withInterval(member: ReportMember, plane: Plane): Point | undefined {
  const at = point(member, plane, seriesNames.search);
  if (at === undefined || plane.x !== 'latency_ms' || member.latency === null) return at;
  const [low, high] = member.latency.interval;
  return { ...at, low, high };
}

function finalPoint(member: ReportMember, plane: Plane): Point | undefined {
  const accuracy = member.final?.accuracy ?? null;
  const at = point(member, plane, seriesNames.final);
  if (at === undefined || accuracy === null || plane.y !== 'accuracy') return undefined;
  return { ...at, y: accuracy, from: at.y };
}

/** From the interval's scale to a logarithmic one where the values span more than a factor of thirty. */
const spansDecades = (values: readonly number[]): boolean => {
  const positive = values.filter((value) => value > 0);
  return positive.length === values.length && Math.max(...values) / Math.min(...values) > 30;
};

/** How the latencies came to be: device, threads, and how many are predicted only. */
function latencyNote(data: ReportData, plane: Plane): string {
  if (plane.x !== 'latency_ms') return '';
  const measured = data.frontier.flatMap(({ latency }) => latency ?? []);
  if (measured.length === 0) return 'Latency: predicted, not measured.';
  const [{ environment }] = measured;
  const { cpu, threads, batch, provider } = environment;
  const whose = measured.length === data.frontier.length ? '' : ` of ${measured.length} frontier networks`;
  const device = `${cpu}, ${threads} thread${threads === 1 ? '' : 's'}, batch ${batch}, ONNX Runtime ${provider}`;
  const others = data.trials.filter(({ provenance }) => provenance['latency_ms'] === 'predicted').length;
  const predicted = others > 0 ? ` Latency of ${others} trials predicted.` : '';
  return `Latency${whose}: measured on ${device}; bars: 95 % interval.${predicted}`;
}

function subtitle(data: ReportData, plane: Plane): string[] {
  const { counts, name, seed } = data.run;
  const trained = `${counts.complete} trials trained, ${data.frontier.length} on the frontier.`;
  return [
    ...wrapped(`${name} (seed ${seed}), ${data.provenance.data}: ${trained}`),
    ...wrapped(`Accuracy: validation split. ${latencyNote(data, plane)}`),
  ];
}

/** Longer lines would make the picture wider. */
const lineLength = 95;

function wrapped(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.trim().split(' ')) {
    const line = lines.at(-1);
    if (line === undefined || line.length + word.length >= lineLength) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}

const quantitative = 'quantitative' as const;

/** The chart as Vega-Lite; what `renderFrontier` draws. */
export function frontierSpec(data: ReportData): TopLevelSpec {
  const plane = planeOf(data);
  const members = new Set(data.frontier.map(({ number }) => number));
  const trials = data.trials
    .filter(({ number, state }) => state === 'complete' && !members.has(number))
    .map((trial) => point(trial, plane, seriesNames.trials))
    .filter(isPoint);
  const frontier = data.frontier.map((member) => withInterval(member, plane)).filter(isPoint);
  const finals = data.frontier.map((member) => finalPoint(member, plane)).filter(isPoint);
  const xAxis = plane.x === trialNumber ? { title: 'trial', format: 'd' } : axisOf(plane.x);
  const yAxis = axisOf(plane.y);
  const all = [...trials, ...frontier, ...finals];
  const log = plane.x !== trialNumber && spansDecades(all.map(({ x }) => x));
  const scale = { zero: false, nice: true, ...(log ? { type: 'log' as const } : {}) };
  const x = { field: 'x', type: quantitative, title: xAxis.title, axis: { format: xAxis.format }, scale };
  const y = {
    field: 'y',
    type: quantitative,
    title: yAxis.title,
    axis: { format: yAxis.format },
    scale: { zero: false, nice: true },
  };
  const present = Object.values(seriesNames).filter((name) => all.some(({ series }) => series === name));
  const looks: Record<string, { color: string; shape: string }> = {
    [seriesNames.trials]: { color: palette.faint, shape: 'circle' },
    [seriesNames.search]: { color: palette.search, shape: 'circle' },
    [seriesNames.final]: { color: palette.final, shape: 'diamond' },
  };
  const color = {
    field: 'series',
    type: 'nominal' as const,
    scale: { domain: present, range: present.map((name) => looks[name].color) },
  };
  const shape = {
    field: 'series',
    type: 'nominal' as const,
    scale: { domain: present, range: present.map((name) => looks[name].shape) },
  };
  const labelled =
    finals.length > 0
      ? [...finals, ...frontier.filter((f) => !finals.some(({ label }) => label === f.label))]
      : frontier;
  const [first] = data.objectives;
  const horizontal = plane.x === trialNumber ? 'trial' : objectiveTitle(plane.x);
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    width: 820,
    height: 480,
    title: {
      text: `${capitalised(objectiveTitle(first.name))} against ${horizontal}`,
      subtitle: subtitle(data, plane),
    },
    layer: [
      {
        data: { values: trials },
        mark: { type: 'point', filled: true, size: 34, opacity: 0.5 },
        encoding: { x, y, color, shape },
      },
      {
        data: { values: frontier },
        mark: { type: 'line', color: palette.search, strokeWidth: 1.6, interpolate: stairs(data, plane) },
        encoding: { x, y, order: { field: 'x', type: quantitative } },
      },
      {
        data: { values: frontier.filter(({ low }) => low !== undefined) },
        mark: { type: 'rule', color: palette.ink, strokeWidth: 1.2 },
        encoding: { x: { ...x, field: 'low' }, x2: { field: 'high' }, y },
      },
      ...(['low', 'high'] as const).map((field) => ({
        data: { values: frontier.filter(({ low }) => low !== undefined) },
        mark: { type: 'tick' as const, color: palette.ink, thickness: 1.2, size: 9, orient: 'vertical' as const },
        encoding: { x: { ...x, field }, y },
      })),
      {
        data: { values: finals },
        mark: { type: 'rule', color: palette.final, strokeWidth: 1, strokeDash: [2, 3], opacity: 0.8 },
        encoding: { x, y: { ...y, field: 'from' }, y2: { field: 'y' } },
      },
      {
        data: { values: [...frontier, ...finals] },
        mark: { type: 'point', filled: true, size: 80, opacity: 1, stroke: palette.background, strokeWidth: 1 },
        encoding: { x, y, color, shape },
      },
      {
        data: { values: labelled },
        mark: { type: 'text', align: 'center', dy: -12, fontSize: 11, color: palette.ink },
        encoding: { x, y, text: { field: 'label', type: 'nominal' } },
      },
    ],
  };
}

const capitalised = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;

/** Between two members nothing better is known than the one before: the frontier is a staircase. */
function stairs({ objectives }: ReportData, plane: Plane): 'step-after' | 'step-before' | 'linear' {
  const horizontal = objectives.find(({ name }) => name === plane.x);
  if (horizontal === undefined) return 'linear';
  return horizontal.direction === 'minimize' ? 'step-after' : 'step-before';
}

/** `frontier.svg`: all trials faintly, the frontier as a staircase, final accuracies as diamonds, intervals as bars. */
export const renderFrontier = (data: ReportData): Promise<string> => renderSvg(frontierSpec(data));
