import { ms } from '../../base/number-text.js';
import { mainScores, scoreText } from '../../base/scores.js';
import type { InferencePool, PooledModel } from '../../serve/inference/pool.js';
import { type Colors, type Column, renderTable, numeric } from '../output/terminal.js';

/** Measured times of a network, for the table and the log. */
interface ServedNetwork {
  readonly network: string;
  /** Main score of its task. */
  readonly accuracy: number | null;
  readonly precision: string;
  /** Milliseconds of a batch by size. */
  readonly ms: Readonly<Record<string, number>>;
  readonly maxBatch: number;
  /** Throughput of one worker with batches of `maxBatch`. */
  readonly imagesPerSecond: number;
}

const rounded = (value: number): number => Number(value.toPrecision(4));

function networkOf({ model, times, maxBatch }: PooledModel): ServedNetwork {
  const { name, accuracy, precision } = model;
  return {
    network: name,
    accuracy,
    precision,
    ms: Object.fromEntries([...times].map(([batch, took]) => [batch, rounded(took)])),
    maxBatch,
    imagesPerSecond: rounded((1000 * maxBatch) / (times.get(maxBatch) ?? NaN)),
  };
}

/** The served networks, most accurate first. */
export const servedNetworks = ({ models }: InferencePool): readonly ServedNetwork[] =>
  models.map(networkOf).sort((a, b) => (b.accuracy ?? -Infinity) - (a.accuracy ?? -Infinity));

/** `2 threads` or `inline`. */
export const workersText = ({ workers }: InferencePool): string =>
  workers === 0 ? 'inline' : `${workers} ${workers === 1 ? 'thread' : 'threads'}`;

export function servedTable(pool: InferencePool, colors: Colors): string {
  const networks = servedNetworks(pool);
  const batches = [...new Set(networks.flatMap((network) => Object.keys(network.ms)))].sort((a, b) => +a - +b);
  // The networks that are chosen among have one task.
  const { task } = pool.models[0].model;
  const columns: readonly Column<ServedNetwork>[] = [
    { title: 'network', cell: ({ network }) => network },
    numeric(mainScores[task].title, ({ accuracy }) => scoreText(task, accuracy)),
    ...batches.map((batch, i) =>
      numeric(i === 0 ? `batch of ${batch}` : batch, (network: ServedNetwork) =>
        batch in network.ms ? ms(network.ms[batch]) : '-',
      ),
    ),
    numeric('largest', ({ maxBatch }) => String(maxBatch)),
    numeric('images/s', ({ imagesPerSecond }) => Math.round(imagesPerSecond).toLocaleString('en-US')),
  ];
  return renderTable(columns, networks, colors);
}
