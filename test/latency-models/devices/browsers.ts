import { createDevice, deviceSchema, findBrowser, type Device } from '../../../latency-models/index.js';

export const hasBrowser = ((): boolean => {
  try {
    findBrowser(undefined);
    return true;
  } catch {
    return false;
  }
})();

export const title = hasBrowser ? 'browser device' : 'browser device (skipped: there is no browser here)';

export const browser = (options: object = {}): Device =>
  createDevice(deviceSchema.parse({ type: 'browser', ...options }));
