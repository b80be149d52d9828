import type { RequestHandler, Response } from 'express';
import type { Logger } from '../runtime/logger.js';

export interface CutCounter {
  inc(connections: number): void;
}

/**
 * Bounds what waits for clients that do not read. An answer is held whole until its client has taken it: a few
 * hundred large ones that nobody takes would fill the memory. Past `maxBytes` in all, whoever keeps an answer waiting
 * longest is cut off (and counted as `aborted` in the requests); those who read hardly ever hold a byte here.
 */
export function boundUnreadAnswers(maxBytes: number, counter: CutCounter, logger: Logger): RequestHandler {
  /** In the order in which they were answered. */
  const waiting = new Set<Response>();

  const cutSlowest = (): void => {
    let bytes = 0;
    for (const res of waiting) bytes += res.writableLength;
    let cut = 0;
    for (const res of waiting) {
      if (bytes <= maxBytes) break;
      if (res.writableLength === 0) continue;
      bytes -= res.writableLength;
      waiting.delete(res);
      res.destroy();
      cut += 1;
    }
    if (cut === 0) return;
    counter.inc(cut);
    logger.warn('clients that do not read their answers were cut off', { clients: cut });
  };

  return (_req, res, next) => {
    const json = res.json.bind(res);
    res.json = (body: unknown) => {
      json(body);
      if (!res.writableFinished && !res.destroyed) {
        waiting.add(res);
        res.once('close', () => waiting.delete(res));
        cutSlowest();
      }
      return res;
    };
    next();
  };
}
