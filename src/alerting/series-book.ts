import type { MetricSubject, RuleFilter } from '../model/alert.js';
import { AppError } from '../model/errors.js';
import { addToList } from '../model/lists.js';
import type { SeriesInfo } from '../model/metric.js';
import type { MetricReader } from '../storage/ports.js';
import { Breather } from './breather.js';
import { type Group, type GroupBy, groupOf, type KnownSeries, knownSeries, seriesTest } from './groups.js';

/** Which series a rule is about, and how they are told apart. */
export interface SelectionQuery {
  readonly metricName: MetricSubject['metricName'];
  readonly filter: RuleFilter;
  readonly by: GroupBy;
}

/** The series a rule is about, in groups. */
export class Selection {
  readonly groups: readonly Group[];
  /** The group of each series, in their order. */
  readonly groupOf: Uint32Array;
  /** A series of each group. */
  private readonly sample: readonly KnownSeries[];
  private indices: Map<string, number> | null = null;
  private agents: ReadonlySet<string>[] | null = null;

  constructor(
    readonly series: readonly KnownSeries[],
    groupOfSeries: (series: KnownSeries) => Group,
  ) {
    const groups: Group[] = [];
    const sample: KnownSeries[] = [];
    const known = new Map<Group, number>();
    this.groupOf = new Uint32Array(series.length);
    for (const [i, one] of series.entries()) {
      const group = groupOfSeries(one);
      let index = known.get(group);
      if (index === undefined) {
        index = groups.push(group) - 1;
        sample.push(one);
        known.set(group, index);
      }
      this.groupOf[i] = index;
    }
    this.groups = groups;
    this.sample = sample;
  }

  /** Whether some group has several series. */
  get isShared(): boolean {
    return this.groups.length < this.series.length;
  }

  indexOf(key: string): number | undefined {
    this.indices ??= new Map(this.groups.map((group, i) => [group.key, i]));
    return this.indices.get(key);
  }

  unitOf(index: number): string | null {
    return this.sample[index]?.info.unit ?? null;
  }

  /** Whether it holds for an agent whose series are in the group. */
  someAgent(index: number, test: (agentId: string) => boolean): boolean {
    const agentId = this.groups[index]?.agentId ?? null;
    if (agentId !== null) return test(agentId);
    if (this.agents === null) {
      const agents = this.groups.map(() => new Set<string>());
      for (const [i, { info }] of this.series.entries()) agents[this.groupOf[i] as number]?.add(info.agentId);
      this.agents = agents;
    }
    for (const id of this.agents[index] ?? []) if (test(id)) return true;
    return false;
  }
}

/** Groups that are told by the same labels. */
interface KnownGroups {
  readonly ofSlot: (Group | undefined)[];
  readonly byKey: Map<string, Group>;
  /** By metric. */
  readonly prepared: Map<string, Promise<void>>;
}

const PAGE = 20_000;
/** How often it is begun anew. */
const MAX_TRIES = 3;

/**
 * The dictionary as far as rules are about it, read once: tags are parsed and groups named once per series, however many
 * rules look at them. It is replaced as a whole; slots and selections belong to one book.
 */
export class SeriesBook {
  private readonly byName = new Map<string, KnownSeries[]>();
  private readonly slots = new Map<number, number>();
  /** Groups by what they are told by: the same object for the same group. */
  private readonly groups = new Map<string, KnownGroups>();
  private readonly selections = new Map<string, Selection>();

  private constructor(readonly names: ReadonlySet<string>) {}

  /** @throws of storage; AppError `overloaded` when series are deleted again and again meanwhile */
  static async read(reader: Pick<MetricReader, 'series'>, names: ReadonlySet<string>): Promise<SeriesBook> {
    for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
      const book = new SeriesBook(names);
      if (await book.fill(reader)) return book;
    }
    throw new AppError('overloaded', 'series were deleted while they were read');
  }

  get size(): number {
    return this.slots.size;
  }

  slotOf(seriesId: number): number | undefined {
    return this.slots.get(seriesId);
  }

  /** Names the groups of all that `select` may look at, with breaths in between: of tens of thousands that takes a tenth of a second. */
  prepare({ metricName, by }: Pick<SelectionQuery, 'metricName' | 'by'>): Promise<void> {
    const { prepared } = this.groupsBy(by);
    let done = prepared.get(metricName);
    if (done === undefined) prepared.set(metricName, (done = this.nameGroups(metricName, by)));
    return done;
  }

  /** The same object for the same question. At once if that is prepared. */
  select(query: SelectionQuery, key = JSON.stringify([query.metricName, query.filter, query.by])): Selection {
    let selection = this.selections.get(key);
    if (selection === undefined) {
      const series = (this.byName.get(query.metricName) ?? []).filter(seriesTest(query.filter));
      selection = new Selection(series, this.namer(query.by));
      this.selections.set(key, selection);
    }
    return selection;
  }

  /** False: series were deleted meanwhile, and some of those behind them have moved into pages that were read already. */
  private async fill(reader: Pick<MetricReader, 'series'>): Promise<boolean> {
    if (this.names.size === 0) return true;
    const filter = { names: [...this.names].sort() };
    const breather = new Breather();
    for (let offset = 0; ; ) {
      const { series, total } = await reader.series({ filter, limit: PAGE, offset });
      // Every page begins with the last one of the page before.
      if (offset > 0 && !this.slots.has(series[0]?.id ?? 0)) return false;
      for (const info of series) {
        if (breather.isDue) await breather.breathe();
        this.add(info);
      }
      if (offset + series.length >= total) return true;
      offset += series.length - 1;
    }
  }

  private add(info: SeriesInfo): void {
    if (this.slots.has(info.id)) return;
    const known = knownSeries(info, this.slots.size);
    this.slots.set(info.id, known.slot);
    addToList(this.byName, info.name, known);
  }

  private async nameGroups(metricName: string, by: GroupBy): Promise<void> {
    const breather = new Breather();
    const name = this.namer(by);
    for (const series of this.byName.get(metricName) ?? []) {
      if (breather.isDue) await breather.breathe();
      name(series);
    }
  }

  private groupsBy(by: GroupBy): KnownGroups {
    const key = JSON.stringify(by);
    let known = this.groups.get(key);
    if (known === undefined) {
      known = { ofSlot: [], byKey: new Map(), prepared: new Map() };
      this.groups.set(key, known);
    }
    return known;
  }

  private namer(by: GroupBy): (series: KnownSeries) => Group {
    const { ofSlot, byKey } = this.groupsBy(by);
    return (series) => {
      const found = ofSlot[series.slot];
      if (found !== undefined) return found;
      const made = groupOf(series, by);
      const group = byKey.get(made.key) ?? made;
      byKey.set(made.key, group);
      ofSlot[series.slot] = group;
      return group;
    };
  }
}
