import { readFile, rename } from 'node:fs/promises';
import type { Dropped } from '../model.js';
import { reasonOf } from '../reason-of.js';
import { writeSafely } from './safe-file.js';

/** What a spool must know besides its batches. */
export interface SpoolState {
  readonly agentId: string;
  /** Of the next batch, unless a batch with this number or a higher one is there. */
  readonly nextSeq: number;
  /** Given up, and not yet known to the server. */
  readonly dropped: Dropped | null;
  /** Files of batches that are counted in `dropped` and are just being removed. */
  readonly leaving: readonly string[];
}

export type ReadState = { readonly state: SpoolState | null; readonly setAside: string | null };

/** The state, or null when there is none. One that cannot be understood is renamed; `setAside` says why. */
export async function readState(path: string): Promise<ReadState> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { state: null, setAside: null };
    throw error;
  }
  try {
    return { state: parse(text), setAside: null };
  } catch (error) {
    await rename(path, `${path}.corrupt`);
    return { state: null, setAside: reasonOf(error) };
  }
}

export function writeState(path: string, state: SpoolState): Promise<void> {
  return writeSafely(path, `${JSON.stringify(state)}\n`);
}

function parse(text: string): SpoolState {
  const { agentId, nextSeq, dropped, leaving } = JSON.parse(text) as Partial<SpoolState>;
  if (typeof agentId !== 'string' || agentId === '') throw new Error('it names no agent');
  if (!Number.isSafeInteger(nextSeq) || (nextSeq ?? 0) < 1) throw new Error('its next number is none');
  if (!Array.isArray(leaving) || leaving.some((name) => typeof name !== 'string')) throw new Error('its list of leaving files is none');
  return { agentId, nextSeq: nextSeq ?? 1, dropped: parseDropped(dropped), leaving: leaving as string[] };
}

function parseDropped(dropped: Dropped | null | undefined): Dropped | null {
  if (dropped === null || dropped === undefined) return null;
  const { count, fromMs, toMs } = dropped;
  if (![count, fromMs, toMs].every(Number.isFinite)) throw new Error('its count of dropped samples is none');
  return { count, fromMs, toMs };
}
