import type { ReportData } from '../data.js';
import { times } from '../../../base/number-text.js';
import { changeText } from '../precisions.js';
import { html, type Markup } from './markup.js';
import { facts } from './table.js';

/** What eight bits came to in this run; null where it knows fp32 only. */
export function precisionsSection({ precisions }: ReportData): Markup | null {
  if (precisions === undefined) return null;
  const { judged, chosen, rejections: rejected, speedup, accuracyChange } = precisions;
  return html`<section id="precisions">
    <h2>Precisions</h2>
    ${facts([
      ['int8 chosen', `for ${chosen} of ${judged} trials in which it was judged`],
      ['not accepted', rejected.length === 0 ? 'none' : rejected.join(', ')],
      ['median speed', speedup === null ? '-' : `${times(speedup)} as fast as fp32`],
      ['median change of accuracy', changeText(accuracyChange)],
    ])}
    <p class="note">
      Each trial is trained once and judged in both precisions: int8 is accepted where it is measured to be faster and
      loses little accuracy on the validation images. Speed is that of the trials in which both were measured, accuracy
      that of those that were quantized.
    </p>
  </section>`;
}
