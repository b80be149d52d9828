/**
 * Randomness that can be had again: DURABILITY_SEED in the environment repeats a run, and a failing test says which
 * seed it ran with.
 */
export class SeededRandom {
  private state: number;

  constructor(readonly seed: number) {
    this.state = seed;
  }

  /** A number in [0, 1) (mulberry32). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }
}

/** Runs `body` with a fresh seed, or the one that is asked for, and names it when `body` fails. */
export async function withSeed(body: (random: SeededRandom) => Promise<void>): Promise<void> {
  const asked = process.env.DURABILITY_SEED;
  const random = new SeededRandom(asked === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(asked));
  try {
    await body(random);
  } catch (error) {
    process.stderr.write(`failed with DURABILITY_SEED=${random.seed}\n`);
    throw error;
  }
}
