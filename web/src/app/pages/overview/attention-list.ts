import { ChangeDetectionStrategy, Component, computed, ElementRef, inject, input, signal } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import { RouterLink } from '@angular/router';
import { formatCount } from '../../core/units';
import { Status } from '../../shared/status';
import { Time } from '../../shared/time';
import { type AttentionGroup, type AttentionKind } from './attention';

/** Of each kind of trouble; all of them on request. With several kinds it is fewer: no kind may hide the others. */
const SHOWN = 5;
const SHOWN_OF_SEVERAL = 2;
/** Even on request: more than that is for the agents page. */
const MAX_SHOWN = 100;

/** What is wrong now, worst first, each with a way to the agent. With nothing wrong it is one quiet line. */
@Component({
  selector: 'ccv-attention-list',
  imports: [RouterLink, MatButtonModule, Status, Time],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './attention-list.html',
  styleUrl: './attention-list.scss',
})
export class AttentionList {
  private readonly host = inject<ElementRef<HTMLElement>>(ElementRef);
  readonly groups = input.required<readonly AttentionGroup[]>();
  protected readonly count = formatCount;
  protected readonly open = signal<ReadonlySet<AttentionKind>>(new Set());
  protected readonly limit = computed(() => (this.groups().length > 1 ? SHOWN_OF_SEVERAL : SHOWN));
  protected readonly maximum = MAX_SHOWN;
  protected readonly shown = computed(() =>
    this.groups().map((group) => ({ group, items: group.items.slice(0, this.open().has(group.kind) ? MAX_SHOWN : this.limit()) })),
  );

  /** The list has little room: its kinds are all named above it, and lead to their place in it. */
  protected show(kind: AttentionKind): void {
    this.host.nativeElement.querySelector(`#attention-${kind}`)?.scrollIntoView({ block: 'nearest' });
  }

  protected toggle(kind: AttentionKind): void {
    this.open.update((open) => {
      const next = new Set(open);
      if (!next.delete(kind)) next.add(kind);
      return next;
    });
  }
}
