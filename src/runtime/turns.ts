/** Runs one thing after the other, in the order in which they came; one that fails does not keep the next from its turn. */
export class Turns {
  private last: Promise<unknown> = Promise.resolve();

  /** The outcome is that of `work`. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.last.then(work);
    this.last = turn.catch(() => undefined);
    return turn;
  }

  /** Resolves when all that came so far has had its turn. */
  async ended(): Promise<void> {
    await this.last;
  }
}
