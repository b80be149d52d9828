import type { MetricReader } from '../storage/ports.js';
import { type Observation, Observations, type Question } from './observations.js';
import { SeriesBook } from './series-book.js';

/** What rules about metrics look at. */
export type Observe = (question: Question) => Promise<Observation>;

const BOOK_MAX_AGE_MS = 300_000;
const BOOK_MIN_AGE_MS = 10_000;

/**
 * Reads what rules look at, round by round, and keeps the dictionary of series in between: it is read again when it is old, lacks a metric, or
 * samples came of series it does not know.
 */
export class Observer {
  private book: SeriesBook | null = null;
  private bookReadAtMs = 0;
  /** How often the dictionary was out of date, and how often it was when the one there is began to be read. */
  private generation = 0;
  private bookGeneration = 0;
  private error: unknown = null;

  constructor(
    private readonly reader: Pick<MetricReader, 'aggregate' | 'series' | 'totals'>,
    private readonly monotonic: () => number,
  ) {}

  /** What last kept rules about metrics from being evaluated; null: nothing did. */
  get blindness(): unknown {
    return this.error;
  }

  /** The dictionary is out of date, and so is one that is being read. */
  forgetBook(): void {
    this.generation += 1;
  }

  /**
   * Never rejects: rules about agents need no samples, and are evaluated whether or not these can be read; the answer then rejects whoever
   * asks. `names` are the metrics of all rules, also of those that do not ask now.
   */
  async read(questions: readonly Question[], names: ReadonlySet<string>, nowMs: number): Promise<Observe> {
    if (questions.length === 0) return () => Promise.reject(new Error('nothing was asked'));
    try {
      const observations = new Observations(this.reader, await this.bookOf(questions, names), questions, nowMs);
      const isNews = await observations.meetsUnknown();
      if (isNews && this.monotonic() - this.bookReadAtMs >= BOOK_MIN_AGE_MS) observations.use(await this.readBook(names));
      this.error = null;
      return (question) => observations.of(question);
    } catch (error) {
      this.error = error;
      return async () => {
        throw error;
      };
    }
  }

  private bookOf(questions: readonly Question[], names: ReadonlySet<string>): Promise<SeriesBook> {
    const { book } = this;
    const isOld = this.bookGeneration !== this.generation || this.monotonic() - this.bookReadAtMs >= BOOK_MAX_AGE_MS;
    if (book !== null && !isOld && questions.every(({ metricName }) => book.names.has(metricName))) return Promise.resolve(book);
    return this.readBook(names);
  }

  private async readBook(names: ReadonlySet<string>): Promise<SeriesBook> {
    const { generation } = this;
    this.book = await SeriesBook.read(this.reader, names);
    this.bookGeneration = generation;
    this.bookReadAtMs = this.monotonic();
    return this.book;
  }
}
