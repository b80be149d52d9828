/** Answers the parent's requests inside a forked process, and tells it when something went wrong in between. */
import type { Envelope, Reply } from './load-protocol.js';

function send(reply: Reply): void {
  process.send?.(reply);
}

/** Reports a failure nobody asked about: the parent gives the run up. */
export function reportFatal(reason: string): void {
  send({ fatal: reason });
}

/** Serves requests until the parent goes away; then ends this process, so that none outlives its bench. */
export function serve(handle: (request: never) => Promise<unknown>): void {
  process.on('message', (message) => {
    const { id, request } = message as Envelope<never>;
    handle(request).then(
      (result) => send({ id, result }),
      (error: unknown) => send({ id, error: error instanceof Error ? error.message : String(error) }),
    );
  });
  process.on('disconnect', () => process.exit(0));
  process.on('uncaughtException', (error) => reportFatal(error.stack ?? error.message));
  // The parent decides when a run is over: Ctrl-C in a terminal reaches the whole group.
  process.on('SIGINT', () => undefined);
}
