import { setPriority } from 'node:os';

/**
 * Has the operating system run this thread after others when the processor is short: 0 is like any other, 19 the very
 * last. Linux alone gives every thread a niceness of its own; elsewhere it would be the whole process', and nothing is done.
 */
export function yieldToOthers(niceness: number): void {
  if (process.platform === 'linux') setPriority(niceness);
}
