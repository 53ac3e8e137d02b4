import { points, times } from '../../base/number-text.js';
import type { PrecisionsReport } from '../../experiments/page/api.js';
import { Facts } from '../components/facts.js';

/** What eight bits came to in a run. */
export function PrecisionsSection({ precisions }: { readonly precisions: PrecisionsReport }) {
  const { judged, chosen, rejections, speedup, accuracyChange } = precisions;
  return (
    <section id="precisions">
      <h2>Precisions</h2>
      <Facts
        entries={[
          ['int8 chosen', `for ${chosen} of ${judged} trials in which it was judged`],
          ['not accepted', rejections.length === 0 ? 'none' : rejections.join(', ')],
          ['median speed', speedup === null ? '-' : `${times(speedup)} as fast as fp32`],
          ['median change of accuracy', accuracyChange === null ? '-' : points(accuracyChange)],
        ]}
      />
      <p class="note">
        Each trial is trained once and judged in both precisions: int8 is accepted where it is measured to be faster and
        loses little accuracy on the validation images. Speed is that of the trials in which both were measured,
        accuracy that of those that were quantized.
      </p>
    </section>
  );
}
