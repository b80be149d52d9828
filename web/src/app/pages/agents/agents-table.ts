import { BreakpointObserver } from '@angular/cdk/layout';
import { CdkVirtualScrollViewport, ScrollingModule } from '@angular/cdk/scrolling';
import { ChangeDetectionStrategy, Component, computed, effect, inject, input, output, signal, viewChild } from '@angular/core';
import { toSignal } from '@angular/core/rxjs-interop';
import { RouterLink } from '@angular/router';
import { ArrowDown, ArrowUp } from 'lucide';
import type { Agent } from '../../core/api-types';
import { formatCount } from '../../core/units';
import { Icon } from '../../shared/icon';
import { Status } from '../../shared/status';
import { Time } from '../../shared/time';
import { COLUMNS, configHint, configText, nextSort, type Sort, type SortKey } from './agent-query';

/** Heights that the styles hold to: the scroll bar is computed from them. */
const ROW_PX = 44;
const CARD_PX = 92;

/**
 * A page of agents, of which only those in sight are in the document: a table, or cards where it is narrow. Every row has the
 * same height, and every column its own width, whatever comes in.
 */
@Component({
  selector: 'ccv-agents-table',
  imports: [RouterLink, ScrollingModule, Icon, Status, Time],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './agents-table.html',
  styleUrl: './agents-table.scss',
})
export class AgentsTable {
  readonly agents = input.required<readonly Agent[]>();
  /** Place of the first of them among all that match, from 0. */
  readonly from = input.required<number>();
  /** All that match. */
  readonly total = input.required<number>();
  readonly sort = input.required<Sort>();
  readonly isLoading = input(false);
  readonly sortChange = output<Sort>();
  /** True while somebody points at the rows, or has the keyboard in them. */
  readonly heldChange = output<boolean>();

  protected readonly columns = COLUMNS;
  protected readonly placeholders = Array.from({ length: 12 }, (_, index) => index);
  protected readonly count = formatCount;
  protected readonly configText = configText;
  protected readonly configHint = configHint;
  private readonly narrow = toSignal(inject(BreakpointObserver).observe('(max-width: 700px)'));
  protected readonly isNarrow = computed(() => this.narrow()?.matches === true);
  protected readonly rowPx = computed(() => (this.isNarrow() ? CARD_PX : ROW_PX));
  protected readonly arrow = computed(() => (this.sort().isDescending ? ArrowDown : ArrowUp));
  private readonly viewport = viewChild(CdkVirtualScrollViewport);
  private readonly isPointedAt = signal(false);
  private readonly isFocused = signal(false);

  constructor() {
    effect(() => this.heldChange.emit(this.isPointedAt() || this.isFocused()));
    effect(() => {
      this.from();
      this.sort();
      this.viewport()?.scrollToIndex(0);
    });
  }

  protected readonly trackById = (_: number, agent: Agent): string => agent.id;

  protected place({ provider, region, zone }: Agent): string {
    return [provider, zone.startsWith(region) && zone !== '' ? zone : [region, zone].filter(Boolean).join(' / ')]
      .filter(Boolean)
      .join(' / ');
  }

  protected ariaSort(key: SortKey): 'ascending' | 'descending' | 'none' {
    const { key: current, isDescending } = this.sort();
    return key !== current ? 'none' : isDescending ? 'descending' : 'ascending';
  }

  protected turn(key: SortKey): void {
    this.sortChange.emit(nextSort(this.sort(), key));
  }

  /** A finger leaves the glass without a word where it scrolls: only a mouse points. */
  protected point(event: PointerEvent, isOver: boolean): void {
    if (event.pointerType === 'mouse') this.isPointedAt.set(isOver);
  }

  protected focus(event: FocusEvent): void {
    this.isFocused.set((event.target as Element).matches(':focus-visible'));
  }

  protected blur(): void {
    this.isFocused.set(false);
  }
}
