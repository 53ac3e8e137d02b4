import type { ReportShrunk, ShrunkStage } from './data.js';
import { count, ms, objectiveTitle } from './format.js';

type Target = ReportShrunk['target'];

/** What a network was to be cut to: `2 M MACs`, `0.05 ms`. */
export const targetText = ({ objective, value }: Target): string =>
  objective === 'macs' ? `${count(value)} MACs` : ms(value);

/** How a network is called that takes no more of what another was cut to. */
export const withinText: { readonly [O in Target['objective']]: string } = {
  macs: 'of no more MACs',
  latency_ms: 'no slower',
};

/** A trial under its name, with the kind of its accuracy where it is not that of a network trained for itself. */
export const trialTitle = (trial: number, measure: string, within = ''): string =>
  `trial ${trial}${within}${measure === 'accuracy' ? '' : ` (${objectiveTitle(measure)})`}`;

/** A shrunk network beside the one that it came from, and beside what the space itself offers for as much. */
export const shrunkRows = ({ from, cut, tuned, alternative }: ReportShrunk): ShrunkStage[] => [
  from,
  cut,
  tuned,
  ...(alternative === null ? [] : [alternative]),
];
