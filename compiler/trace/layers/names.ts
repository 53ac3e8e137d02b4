import type { LayerCall } from './patch.js';
import { callOwners, patchCall, undoAll } from './patch.js';

/** Tells `enter` the name of each layer that runs, and the outer one's when it is done; the result stops that. */
export function trackLayerNames(get: () => string, enter: (name: string) => void): () => void {
  const track = (original: LayerCall): LayerCall =>
    function (inputs, kwargs) {
      const outer = get();
      enter(this.name);
      try {
        return original.call(this, inputs, kwargs);
      } finally {
        enter(outer);
      }
    };
  return undoAll([...callOwners()].map((prototype) => patchCall(prototype, track)));
}
