export { proxyBatch, proxyImages, type ProxyBatch } from './batch.js';
export { proxyNames, type ProxyName } from './names.js';
export { needsImages, proxies, type ProxyOptions } from './proxies.js';
