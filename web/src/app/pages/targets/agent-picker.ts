import { ScrollingModule } from '@angular/cdk/scrolling';
import { ChangeDetectionStrategy, Component, computed, inject, input, output, signal } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import { AgentStore } from '../../core/agent-store';
import { formatCount } from '../../core/units';
import { choicesOf, type Choice } from './agent-choices';

const ROW_PX = 32;
const MOST_ROWS = 6;

/** Chooses agents out of all of them, a thousand or more: found by words, and those that were chosen at first on top. */
@Component({
  selector: 'ccv-agent-picker',
  imports: [ScrollingModule, MatButtonModule],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<div class="tools">
      <input
        type="search"
        placeholder="Search agents"
        aria-label="Search agents"
        spellcheck="false"
        [attr.aria-invalid]="isInvalid()"
        [value]="search()"
        (input)="search.set($any($event.target).value)"
        (keydown.enter)="$event.preventDefault()"
      />
      <span class="muted" role="status">{{ count(chosen().size) }} chosen</span>
      <button matButton type="button" [disabled]="chosen().size === 0" (click)="chosenChange.emit(none)">None</button>
    </div>
    @if (choices().length === 0) {
      <p class="muted">{{ store.isLoaded() ? 'No agent is called like this.' : 'Reading the list of agents …' }}</p>
    } @else {
      <cdk-virtual-scroll-viewport [itemSize]="rowPx" [style.height.px]="height()" role="group" aria-label="Agents">
        <label *cdkVirtualFor="let choice of choices(); trackBy: trackById">
          <input type="checkbox" [checked]="chosen().has(choice.id)" (change)="toggle(choice.id)" />
          <span class="id">{{ choice.id }}</span> <span class="muted">{{ choice.note }}</span>
        </label>
      </cdk-virtual-scroll-viewport>
    }`,
  styles: `
    :host {
      display: grid;
      grid-template-columns: minmax(0, 1fr);
      gap: 6px;
      padding: 8px;
      border: 1px solid var(--ccv-grid);
      border-radius: 8px;
    }
    .tools {
      display: flex;
      align-items: center;
      gap: 8px;
    }
    input[type='search'] {
      flex: 1;
    }
    cdk-virtual-scroll-viewport {
      container-type: inline-size;
    }
    label {
      /* What is around it is as wide as its widest row. */
      width: 100cqi;
      display: flex;
      align-items: center;
      gap: 8px;
      height: 32px;
      overflow: hidden;
      white-space: nowrap;
      color: var(--mat-sys-on-surface);
    }
    label > span {
      overflow: hidden;
      text-overflow: ellipsis;
    }
    label > input,
    .id {
      flex: none;
      max-width: 70%;
    }
    p {
      margin: 0;
      height: 32px;
    }
  `,
})
export class AgentPicker {
  protected readonly store = inject(AgentStore);
  readonly chosen = input.required<ReadonlySet<string>>();
  readonly isInvalid = input(false);
  readonly chosenChange = output<ReadonlySet<string>>();
  protected readonly rowPx = ROW_PX;
  protected readonly count = formatCount;
  protected readonly none: ReadonlySet<string> = new Set();
  protected readonly search = signal('');
  /** Those that were chosen when this opened: what is ticked now must not jump away from under the pointer. */
  private first: ReadonlySet<string> | null = null;
  protected readonly choices = computed(() => {
    this.first ??= this.chosen();
    return choicesOf(this.store.agents(), this.first, this.search());
  });
  protected readonly height = computed(() => Math.min(MOST_ROWS, this.choices().length) * ROW_PX);

  protected readonly trackById = (_: number, { id }: Choice): string => id;

  protected toggle(id: string): void {
    const chosen = new Set(this.chosen());
    if (!chosen.delete(id)) chosen.add(id);
    this.chosenChange.emit(chosen);
  }
}
