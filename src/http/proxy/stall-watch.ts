import type { ClientRequest } from 'node:http';
import type { Request, Response } from 'express';
import { monotonicMs } from '../../runtime/clock.js';

const MIN_TICK_MS = 10;
const MAX_TICK_MS = 1_000;

/**
 * Notices an upstream that stands still: for `timeoutMs` no byte went to it or came from it although it was its turn.
 * Time in which the client is the slow one — we wait for more of its body, or it does not take the answer — does
 * not count, so that a long upload over a thin line is not taken for a slow upstream. Looks at the socket's byte
 * counters a few times per `timeoutMs` rather than listening to every chunk; connecting counts as standing still.
 */
export class StallWatch {
  private readonly timer: NodeJS.Timeout;
  private lastProgressMs = monotonicMs();
  private lastBytes = 0;

  constructor(
    private readonly exchange: { readonly req: Request; readonly res: Response; readonly upstream: ClientRequest },
    private readonly timeoutMs: number,
    private readonly onStall: () => void,
  ) {
    this.timer = setInterval(() => this.look(), Math.min(Math.max(timeoutMs / 8, MIN_TICK_MS), MAX_TICK_MS));
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private look(): void {
    const { socket } = this.exchange.upstream;
    const bytes = socket === null ? 0 : socket.bytesRead + socket.bytesWritten;
    if (bytes !== this.lastBytes || this.waitingForClient()) {
      this.lastBytes = bytes;
      this.lastProgressMs = monotonicMs();
    } else if (monotonicMs() - this.lastProgressMs >= this.timeoutMs) {
      this.stop();
      this.onStall();
    }
  }

  private waitingForClient(): boolean {
    const { req, res, upstream } = this.exchange;
    if (upstream.socket === null || upstream.socket.connecting) return false;
    return res.writableNeedDrain || (!req.readableEnded && !upstream.writableNeedDrain);
  }
}
