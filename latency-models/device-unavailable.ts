import { NasError, type ErrorDetails } from '../base/errors.js';

/** A device cannot be reached, or went away while it measured. Later measurements may succeed. */
export class DeviceUnavailable extends NasError {
  constructor(message: string, details?: ErrorDetails) {
    super('failure', message, details);
  }
}
