import type { FastifyReply } from 'fastify';
import type { Service } from '../service.js';

/**
 * Has an answer end its connection when the server is ending: its client asks another one next. To be asked when a request
 * comes and again when it is answered, as the server may be told to end between; a hook for each answer costs more than a
 * small network.
 */
export function sendAway(reply: FastifyReply, { isReady }: Pick<Service, 'isReady'>): void {
  if (!isReady) void reply.header('connection', 'close');
}
