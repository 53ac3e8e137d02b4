export * from './create-device.js';
export * from './profile-layers.js';
export { tryProvider } from './try-provider.js';
