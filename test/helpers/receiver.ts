/** Where notifications go in tests: a real HTTP server on 127.0.0.1 that keeps what it gets. */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { startUpstream } from './upstream.js';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: any;
}

export interface Receiver {
  readonly url: string;
  readonly received: Received[];
  /** How it answers the next requests; 200 with nothing, unless something else is set. */
  answer: (res: ServerResponse, request: Received) => void;
  /** The next request that nobody has asked for yet, as soon as it is there. */
  next(): Promise<Received>;
  stop(): void;
}

export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  let taken = 0;
  const waiters: ((request: Received) => void)[] = [];
  const server = await startUpstream(async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString('utf8');
    const request = { method: req.method ?? '', path: req.url ?? '', headers: req.headers, text, body: parsed(text) };
    received.push(request);
    const waiter = waiters.shift();
    if (waiter !== undefined) {
      taken += 1;
      waiter(request);
    }
    receiver.answer(res, request);
  });
  const receiver: Receiver = {
    url: server.url,
    received,
    answer: (res) => res.end(),
    next() {
      const request = received[taken];
      if (request === undefined) return new Promise((resolve) => waiters.push(resolve));
      taken += 1;
      return Promise.resolve(request);
    },
    stop: () => server.stop(),
  };
  return receiver;
}

/** Answers with a status, and the headers and the text given. */
export function status(code: number, headers: Record<string, string> = {}, text = ''): Receiver['answer'] {
  return (res) => res.writeHead(code, headers).end(text);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
