import type { TaskType } from '../../base/task.js';

/** The mean of rows of outputs as trained: of probabilities, again as logits, or of numbers. */
export const averages: { readonly [T in TaskType]: (rows: readonly Float32Array[], outputs: number) => Float32Array } =
  {
    classification: (rows, outputs) => meanOf(rows.map((one) => softmaxRows(one, outputs))).map(toLog),
    'multi-label': (rows) => meanOf(rows.map((one) => one.map(sigmoid))).map((p) => toLog(p) - toLog(1 - p)),
    regression: (rows) => meanOf(rows),
    detection: (rows) => meanOf(rows),
    centroids: (rows) => meanOf(rows),
    segmentation: (rows, outputs) => meanOf(rows.map((one) => softmaxRows(one, outputs))).map(toLog),
  };

const toLog = (p: number): number => Math.log(Math.max(p, 1e-12));
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const meanOf = (rows: readonly Float32Array[]): Float32Array =>
  rows[0].map((_, i) => rows.reduce((sum, one) => sum + one[i], 0) / rows.length);

function softmaxRows(rows: Float32Array, outputs: number): Float32Array {
  const result = new Float32Array(rows.length);
  for (let start = 0; start < rows.length; start += outputs) {
    const row = rows.subarray(start, start + outputs);
    const most = row.reduce((a, b) => Math.max(a, b), -Infinity);
    const total = row.reduce((sum, x) => sum + Math.exp(x - most), 0);
    for (let k = 0; k < outputs; k++) result[start + k] = Math.exp(row[k] - most) / total;
  }
  return result;
}
