/** What a model's last layer gives: distillation needs logits, but many models end in a softmax. */
export type OutputKind = 'logits' | 'probabilities';

const tolerance = 1e-3;
/** Probabilities below this are taken for it: their logarithm stays finite. */
const smallest = 1e-12;

/** `probabilities` when every row lies in [0, 1] and sums to 1, which logits of a whole batch do not. */
export function outputKind(rows: Float32Array, classes: number): OutputKind {
  for (let start = 0; start < rows.length; start += classes) {
    const row = rows.subarray(start, start + classes);
    const total = row.reduce((a, b) => a + b, 0);
    if (Math.abs(total - 1) > tolerance || row.some((p) => !(p >= 0 && p <= 1 + tolerance))) return 'logits';
  }
  return 'probabilities';
}

/** Logits of either kind; those of probabilities are their logarithms, the same up to a constant a row. */
export const toLogits: { readonly [K in OutputKind]: (rows: Float32Array) => Float32Array } = {
  logits: (rows) => rows,
  probabilities: (rows) => rows.map((p) => Math.log(Math.max(p, smallest))),
};
