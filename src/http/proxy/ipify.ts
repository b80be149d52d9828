import { isIP } from 'node:net';
import { Router } from 'express';
import { AppError } from '../../model/errors.js';

const MAX_ANSWER_BYTES = 1_024;

/** `GET /ipify`: the public address this server is seen under, asked of the configured service. */
export function ipifyRoutes(settings: { readonly ipifyUrl: string; readonly timeoutMs: number }): Router {
  const router = Router();
  router.get('/ipify', async (_req, res) => {
    const ip = addressIn(await ask(settings.ipifyUrl, settings.timeoutMs));
    if (ip === null) throw new AppError('bad_gateway', 'the address service did not answer with an address');
    res.json({ ip });
  });
  return router;
}

/** The service's answer; its deadline covers the body too. */
async function ask(url: string, timeoutMs: number): Promise<string> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(timeoutMs), headers: { accept: 'application/json' } });
    const text = await readBounded(answer);
    return answer.ok ? text : '';
  } catch (error) {
    if ((error as { name?: unknown } | null)?.name === 'TimeoutError') {
      throw new AppError('gateway_timeout', `the address service did not answer within ${timeoutMs} ms`);
    }
    throw new AppError('bad_gateway', 'the address service cannot be reached');
  }
}

/** Reads no more than an address can need; a longer answer is cut, and then is no address. */
async function readBounded(answer: globalThis.Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.body ?? []) {
    chunks.push(chunk as Uint8Array);
    size += (chunk as Uint8Array).byteLength;
    if (size > MAX_ANSWER_BYTES) return '';
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Answers come as `{"ip": …}` or as the bare text. */
function addressIn(text: string): string | null {
  let ip: unknown = text.trim();
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null) ip = (parsed as { ip?: unknown }).ip;
  } catch {
    // no JSON: the text itself may be the address
  }
  return typeof ip === 'string' && isIP(ip) !== 0 ? ip : null;
}
