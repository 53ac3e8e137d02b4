import type { FastifyHelmetOptions } from '@fastify/helmet';

/**
 * Headers of everything that the server sends. A page may load scripts, styles and data from its own server, and nothing
 * else from anywhere: text of a run that became markup in spite of all would find nothing to run.
 */
export const securityHeaders: FastifyHelmetOptions = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'", 'data:'],
      connectSrc: ["'self'"],
      fontSrc: ["'self'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"],
    },
  },
  frameguard: { action: 'deny' },
  // Browsers keep these two, and complain of the first, where TLS is; a proxy that ends it decides.
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
  strictTransportSecurity: false,
};
