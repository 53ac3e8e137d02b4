export { AgentClient } from './agent/client.js';
export { readToken } from '../../base/server.js';
export { startAgent, type Agent, type AgentOptions } from './agent/agent-server.js';
export { findBrowser } from './browser/find-browser.js';
export { tryBrowser } from './browser/try-browser.js';
export * from './create-device.js';
export { precisionText, saturates, saturationText } from './precision.js';
export * from './profile-layers.js';
export { asMeasuredBy, localDeviceOf, needsQueue } from './worker.js';
