import {
  applyRule,
  layersOf,
  type Layer,
  type LayerTable,
  type Network,
  type Shape,
} from "../spaces/index.js";

/** Names of the physical totals: `pointwise_macs`, `depthwise5_macs`, `hard_swish_values`, ... */
export type Column = string;

/** An amount of something that takes time, of one image. */
type Term = readonly [column: Column, amount: number];

const size = ([height, width, channels]: Shape): number =>
  height * width * channels;

const launch: Term = ["kernels", 1];

/**
 * What each kind of layer adds to the totals of the graph as it is executed: batch norm is folded into convolutions,
 * ReLU and ReLU6 are fused into what comes before, dropout is gone. A layer without terms is known to cost nothing.
 */
const terms: LayerTable<readonly Term[]> = {
  input: () => [],
  conv: ({ kernel, groups = 1, input, output }) => {
    const params = (kernel * kernel * input[2] * output[2]) / groups;
    const grouped = groups === 1 ? "" : "grouped_";
    const traffic = size(input) + size(output);
    return [
      [
        `${grouped}${kernel === 1 ? "pointwise" : `conv${kernel}`}_macs`,
        params * output[0] * output[1],
      ],
      [kernel === 1 ? "pointwise_traffic" : "conv_traffic", traffic],
      ["params", params],
      launch,
    ];
  },
  depthwise: ({ kernel, input, output }) => [
    [`depthwise${kernel}_macs`, kernel * kernel * size(output)],
    ["depthwise_traffic", size(input) + size(output)],
    ["params", kernel * kernel * output[2]],
    launch,
  ],
  batch_norm: () => [],
  activation: ({ act, output, standalone = false }) =>
    !standalone && (act === "relu" || act === "relu6")
      ? []
      : [[`${act}_values`, size(output)], launch],
  avg_pool: ({ kernel, output }) => [
    [`window${kernel}_values`, size(output)],
    launch,
  ],
  global_pool: ({ input }) => [["pooled_values", size(input)], launch],
  dense: ({ input, output }) => [
    ["dense_macs", size(input) * output[2]],
    ["params", (size(input) + 1) * output[2]],
    launch,
  ],
  dropout: () => [],
  add: ({ output }) => [["merged_values", size(output)], launch],
  multiply: ({ output }) => [["merged_values", size(output)], launch],
  shuffle: ({ output }) => [["moved_values", size(output)], launch],
  zero: ({ output }) => [["merged_values", size(output)], launch],
};

/** What one layer adds to the totals, and how much of the network's work it is. */
export interface LayerFeatures {
  readonly terms: readonly Term[];
  /** Multiply-accumulates, or values where a layer has none: the currency of coverage. */
  readonly work: number;
}

const isWork = (column: Column): boolean =>
  column.endsWith("_macs") || column.endsWith("_values");

function layerFeatures(layer: Layer): LayerFeatures {
  const own = applyRule(terms, layer);
  return {
    terms: own,
    work: own.reduce(
      (total, [column, amount]) => total + (isWork(column) ? amount : 0),
      0,
    ),
  };
}

export const featuresOf = (network: Network): LayerFeatures[] =>
  layersOf(network).map(layerFeatures);

/** The totals of a network by column, and 1 for the constant. */
export function totalsOf(
  layers: readonly LayerFeatures[],
): Map<Column, number> {
  const totals = new Map<Column, number>([["constant", 1]]);
  for (const { terms: own } of layers)
    for (const [column, amount] of own)
      totals.set(column, (totals.get(column) ?? 0) + amount);
  return totals;
}

/** One row for each network over all columns that occur in any, scaled so that every column has mean 1. */
export function featureTable(all: readonly ReadonlyMap<Column, number>[]): {
  readonly columns: readonly Column[];
  readonly means: readonly number[];
  readonly rows: readonly (readonly number[])[];
} {
  const columns = [
    ...new Set(all.flatMap((totals) => [...totals.keys()])),
  ].sort();
  const means = columns.map(
    (column) =>
      all.reduce((sum, totals) => sum + (totals.get(column) ?? 0), 0) /
      all.length,
  );
  const rows = all.map((totals) =>
    columns.map((column, j) => (totals.get(column) ?? 0) / means[j]),
  );
  return { columns, means, rows };
}
