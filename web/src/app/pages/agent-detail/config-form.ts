import { ChangeDetectionStrategy, Component, inject } from '@angular/core';
import { Field, FieldControl } from '../../shared/field';
import { ConfigDraft } from './config-draft';
import { LIST_FIELDS, NUMBER_FIELDS, typedNumber, valueAt, withValue } from './config-model';
import { ListEditor } from './list-editor';

/** The configuration as a form: a view of the draft. */
@Component({
  selector: 'ccv-config-form',
  imports: [Field, FieldControl, ListEditor],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<fieldset>
      <legend>Measuring and sending</legend>
      <div class="numbers">
        @for (field of numbers; track field.key) {
          <ccv-field
            [label]="field.unit ? field.label + ' (' + field.unit + ')' : field.label"
            [hint]="field.hint + ', ' + field.least + '–' + field.most"
            [problem]="problem(field.key)"
          >
            <input
              ccvControl
              inputmode="numeric"
              autocomplete="off"
              placeholder="left to the agent"
              [value]="text(field.key)"
              (valueChange)="set(field.key, number($event))"
            />
          </ccv-field>
        }
      </div>
    </fieldset>
    <fieldset>
      <legend>Targets</legend>
      <div class="lists">
        @for (field of targets; track field.path) {
          <ccv-list-editor [field]="field" [list]="list(field.path)" [problem]="problem(field.path)" (listChange)="set(field.path, $event)" />
        }
      </div>
    </fieldset>
    <fieldset>
      <legend>Filters</legend>
      <div class="lists">
        @for (field of filters; track field.path) {
          <ccv-list-editor [field]="field" [list]="list(field.path)" [problem]="problem(field.path)" (listChange)="set(field.path, $event)" />
        }
      </div>
    </fieldset>`,
  styleUrls: ['./section.scss', './config-form.scss'],
})
export class ConfigForm {
  private readonly draft = inject(ConfigDraft);
  protected readonly numbers = NUMBER_FIELDS;
  protected readonly number = typedNumber;
  protected readonly targets = LIST_FIELDS.filter(({ path }) => path.startsWith('targets.'));
  protected readonly filters = LIST_FIELDS.filter(({ path }) => path.startsWith('filters.'));

  protected text(key: string): string {
    const value = this.draft.config()[key];
    return value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);
  }

  /** Undefined: left to the agent. */
  protected list(path: string): readonly string[] | undefined {
    const value = valueAt(this.draft.config(), path);
    return Array.isArray(value) ? value.map(String) : undefined;
  }

  protected problem(field: string): string | null {
    return this.draft.problems().find((problem) => problem.field === field)?.message ?? null;
  }

  protected set(path: string, value: unknown): void {
    this.draft.replace(withValue(this.draft.config(), path, value));
  }
}
