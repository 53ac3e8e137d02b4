import type { DeviceFailure } from '../../base/errors.js';

/**
 * What ONNX Runtime says when it is the device that fails: it has no error codes for that. By its sources, and, where noted,
 * seen on a software adapter.
 */
const texts: readonly (readonly [RegExp, DeviceFailure['kind']])[] = [
  // A tensor is larger than a shader may see at once, and its parts are more than it may see; seen.
  [/Too many storage buffers in shader/, 'memory'],
  // Dawn refuses a buffer that is larger than the adapter allows.
  [/exceeds the max buffer size limit|exceeding maxStorageBufferBindingSize/, 'memory'],
  // The arena that CUDA's memory comes from, and CUDA itself.
  [/Failed to allocate memory for requested buffer of size|ran out of memory trying to allocate/, 'memory'],
  [/out of memory/i, 'memory'],
  // The download of a result is the first that fails after the device was lost, or after an error nobody waited for.
  [/Failed to download data from buffer|Failed to wait for the operation/, 'lost'],
  [/device (is|was)? ?lost|Failed to get a WebGPU device/i, 'lost'],
  // An illegal access, a launch that took too long, a card that fell off the bus.
  [/CUDA failure (700|702|719|999)/, 'lost'],
];

/** How the device failed, by the text of an error; null when it did not. */
export const deviceFailureOf = (message: string): DeviceFailure['kind'] | null =>
  texts.find(([text]) => text.test(message))?.[1] ?? null;

/** Where in ONNX Runtime's sources a check is, and what it checked: `/onnxruntime_src/...cc:136 ... was false. `. */
const sourceOfCheck = /\/\S*onnxruntime\/\S+\.(?:cc|h):\d+ .*? was false\. (?=\S)/g;

/** The text of an error without its place in ONNX Runtime's sources, where it says more than that. */
export const withoutSource = (message: string): string => message.replace(sourceOfCheck, '');
