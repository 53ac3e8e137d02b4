export { proxyBatch, proxyImages, type ProxyBatch } from './batch.js';
export { needsImages, proxies, proxyNames, type ProxyName, type ProxyOptions } from './proxies.js';
