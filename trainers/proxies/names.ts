/** Zero-cost proxies: numbers of an untrained network that go along with its accuracy after training. */
export const proxyNames = ['synflow', 'gradnorm', 'snip', 'naswot'] as const;
export type ProxyName = (typeof proxyNames)[number];
