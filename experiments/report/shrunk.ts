import type { ReportShrunk, ShrunkStage } from './data.js';
import { count, ms } from './format.js';

/** A line of the table of a shrunk network: what it is called, and what is known of it. */
export interface ShrunkRow {
  readonly title: string;
  readonly stage: ShrunkStage;
}

type Target = ReportShrunk['target'];

/** What a network was to be cut to: `2 M MACs`, `0.05 ms`. */
export const targetText = ({ objective, value }: Target): string =>
  objective === 'macs' ? `${count(value)} MACs` : ms(value);

/** How a network is called that takes no more of what another was cut to. */
export const withinText: { readonly [O in Target['objective']]: string } = {
  macs: 'of no more MACs',
  latency_ms: 'no slower',
};

/** A shrunk network beside the one that it came from, and beside what the space itself offers for as much. */
export function shrunkRows({ number, parent, target, from, cut, tuned, alternative }: ReportShrunk): ShrunkRow[] {
  return [
    { title: `trial ${parent}`, stage: from },
    { title: `shrunk ${number}, cut to ${targetText(target)}`, stage: cut },
    { title: `shrunk ${number}, fine-tuned`, stage: tuned },
    ...(alternative === null
      ? []
      : [{ title: `trial ${alternative.trial}, ${withinText[target.objective]}`, stage: alternative }]),
  ];
}
