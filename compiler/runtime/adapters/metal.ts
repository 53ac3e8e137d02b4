import { z } from 'zod';
import { kindOf, type Adapter } from './adapter.js';

const displays = z.looseObject({
  SPDisplaysDataType: z.array(
    z.looseObject({
      _name: z.string().optional(),
      sppci_model: z.string().optional(),
      /** Since macOS 11, which generation of Metal; before, whether there is any. */
      spdisplays_mtlgpufamilysupport: z.string().optional(),
      spdisplays_metal: z.string().optional(),
    }),
  ),
});

/** Virtual machines give their guests an adapter that Apple calls paravirtual. */
const virtual = /paravirtual|virtual|vmware|parallels/i;

/**
 * @param text what `system_profiler -json SPDisplaysDataType` prints on macOS
 * @throws Error when it is something else
 */
export function metalAdapters(text: string): Adapter[] {
  return displays.parse(JSON.parse(text)).SPDisplaysDataType.map((display) => {
    const name = display.sppci_model ?? display._name ?? 'unnamed';
    const metal = display.spdisplays_mtlgpufamilysupport ?? display.spdisplays_metal ?? '';
    const isCard = /metal(featuresetfamily)?\d|_supported$/.test(metal) && !virtual.test(name);
    return { name, kind: kindOf(name, isCard ? 'hardware' : 'unknown'), driver: metal === '' ? null : metal, id: null };
  });
}
