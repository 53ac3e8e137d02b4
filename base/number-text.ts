/** Unit of a number in tables, on terminals and on pages. */
export type Unit = 'share' | 'ms' | 'count' | 'bytes' | 'score';

const significant = (value: number, digits: number): string =>
  Number(value.toPrecision(digits)).toLocaleString('en-US', { maximumFractionDigits: 6 });

const scaled = (value: number, base: number, suffixes: readonly string[]): string => {
  let i = 0;
  while (Math.abs(value) >= base && i < suffixes.length - 1) {
    value /= base;
    i++;
  }
  return `${significant(value, 3)}${suffixes[i] ?? ''}`;
};

/** `p50 0.31 ms, p95 0.33 ms, p99 0.4 ms` of a latency, in ms. */
export const percentilesText = (latency: {
  readonly p50: number;
  readonly p95: number;
  /** Null: too few runs. */
  readonly p99: number | null;
}): string =>
  `p50 ${ms(latency.p50)}, p95 ${ms(latency.p95)}${latency.p99 === null ? '; too few runs for p99' : `, p99 ${ms(latency.p99)}`}`;

/** 0.9123 as `91.23 %`. */
export const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

/** A change of a share in points: `−0.1 points`, `+0.25 points`, `±0 points`. */
export function points(change: number): string {
  const rounded = Math.round(10_000 * change) / 100;
  const sign = rounded === 0 ? '±' : rounded < 0 ? '−' : '+';
  return `${sign}${Math.abs(rounded)} points`;
}

/** A difference of values: in points for shares, else as a number: `−0.012`. */
export function changeText(unit: Unit, change: number): string {
  if (unit === 'share') return points(change);
  const text = significant(Math.abs(change), 2);
  return `${text === '0' ? '±' : change < 0 ? '−' : '+'}${text}`;
}

/** A factor: `1.93 ×`. */
export const times = (factor: number): string => `${factor.toFixed(2)} ×`;

/** Milliseconds with three significant digits: `1.23 ms`. */
export const ms = (value: number): string => `${significant(value, 3)} ms`;

/** 1,234,567 as `1.23 M`. */
export const count = (value: number): string => scaled(value, 1000, ['', ' k', ' M', ' G', ' T']);

/** Bytes in binary units: `1.5 MiB`. */
export const bytes = (value: number): string => scaled(value, 1024, [' B', ' KiB', ' MiB', ' GiB', ' TiB']);

const padded = (value: number): string => String(value).padStart(2, '0');

/** Seconds as `45 s`, `12 min`, `3 h 05 min`, `4 d 02 h`. */
export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 72) return `${hours} h ${padded(minutes % 60)} min`;
  return `${Math.floor(hours / 24)} d ${padded(hours % 24)} h`;
}

/** Seconds as `0:01:40`: a tick of an axis has to be exact, where `2 min` is rounded. */
export function clockTime(seconds: number): string {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 3600)}:${padded(Math.floor(whole / 60) % 60)}:${padded(whole % 60)}`;
}

/** `1 epoch`, `3 epochs`. */
export const epochsText = (epochs: number): string => (epochs === 1 ? '1 epoch' : `${epochs} epochs`);

/** Whether a value can be a share; tables may contain accuracies in percent. */
export const isShare = (value: number): boolean => Math.abs(value) <= 1;

/** A share as a percentage; values beyond 1 stay numbers. */
const share = (value: number): string => (isShare(value) ? percent(value) : significant(value, 4));

const score = (value: number): string => significant(value, 4);

const byUnit: { readonly [U in Unit]: (value: number) => string } = { share, ms, count, bytes, score };

/** A value in its unit; `-` for none. */
export const valueText = (unit: Unit, value: number | null | undefined): string =>
  value === null || value === undefined ? '-' : byUnit[unit](value);
