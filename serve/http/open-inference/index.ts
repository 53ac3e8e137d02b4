/**
 * The Open Inference Protocol v2 over HTTP, with Triton's extensions for binary tensors and model repositories: what clients
 * of KServe and Triton speak.
 */
import type { FastifyInstance } from 'fastify';
import type { RouteContext } from '../context.js';
import { infer } from './infer.js';
import { metadata } from './metadata.js';
import { repository } from './repository.js';

/** Every route of the protocol but health. */
export function openInference(app: FastifyInstance, context: RouteContext): void {
  metadata(app, context);
  infer(app, context);
  repository(app, context);
}
