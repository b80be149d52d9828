import { getPriority, setPriority } from 'node:os';

const LOWEST = 19;

/**
 * Has the operating system run this thread after others when the processor is short, the more so the higher `by` (1 to 19).
 * Linux alone gives every thread a niceness of its own; elsewhere it would be the whole process', and nothing is done. Nor
 * is it where that is forbidden: all threads are alike then.
 */
export function yieldToOthers(by: number): void {
  if (process.platform !== 'linux') return;
  try {
    setPriority(Math.min(getPriority() + by, LOWEST));
  } catch {
    // It was a request.
  }
}
