/** The environment in which Vulkan shows one adapter only, by Mesa's layer for choosing devices. */
export const selection = (id: string | null): Readonly<Record<string, string>> =>
  id === null ? {} : { MESA_VK_DEVICE_SELECT: `${id}!` };

/**
 * Chooses the adapter of this process. It must come before WebGPU's first session: the provider takes an adapter once,
 * and has no option that says which.
 * @param id as `Adapter.id`; null leaves the choice to the system
 */
export function selectAdapter(id: string | null): void {
  Object.assign(process.env, selection(id));
}
