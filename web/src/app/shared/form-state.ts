import { afterNextRender, ElementRef, inject, Injector, signal } from '@angular/core';
import { ApiError } from '../core/api';
import { type FieldErrors, fieldErrors, without } from './field-errors';

/**
 * What stands in a form, what is wrong with it, and whether it is on its way. To be made where inject() may be. The server's
 * complaints go to the fields that they name, everything else it says is the `problem`.
 */
export class FormState<F extends object> {
  private readonly host = inject<ElementRef<HTMLElement>>(ElementRef).nativeElement;
  private readonly injector = inject(Injector);
  readonly value;
  readonly errors = signal<FieldErrors>({});
  /** What belongs to no field. */
  readonly problem = signal<ApiError | null>(null);
  readonly isSaving = signal(false);

  constructor(initial: F) {
    this.value = signal(initial);
  }

  /** Fields that are being mended are not complained about any longer. */
  set(change: Partial<F>, ...fields: readonly string[]): void {
    this.value.update((value) => ({ ...value, ...change }));
    this.errors.update((errors) => fields.reduce(without, errors));
  }

  /**
   * Answers what `send` does; undefined when it was refused, when something is missing, or when it is on its way already. What is wrong
   * is shown then. `names`: the fields of the form by the API's names, as people know them.
   */
  async save<T>(names: Readonly<Record<string, string>>, missing: FieldErrors, send: () => Promise<T>): Promise<T | undefined> {
    if (this.isSaving()) return undefined;
    this.problem.set(null);
    this.errors.set(missing);
    if (Object.keys(missing).length > 0) return this.show();
    this.isSaving.set(true);
    try {
      return await send();
    } catch (failure) {
      if (!(failure instanceof ApiError)) throw failure;
      const { fields, others } = fieldErrors(failure.details, names);
      this.errors.set(fields);
      if (Object.keys(fields).length === 0) this.problem.set(failure);
      else if (others.length > 0) this.problem.set(new ApiError(failure.status, failure.code, failure.message, others));
      return this.show();
    } finally {
      this.isSaving.set(false);
    }
  }

  /** Goes to the first field that is wrong, once it is marked; else to what is said above all fields. */
  private show(): undefined {
    const read = (): void => {
      const find = (selector: string): HTMLElement | null => this.host.querySelector<HTMLElement>(selector);
      const wrong = find('[aria-invalid=true]') ?? find('ccv-notice.is-error') ?? find('.error:not(:empty)');
      wrong?.closest('details')?.setAttribute('open', '');
      wrong?.scrollIntoView({ block: 'center' });
      wrong?.focus();
    };
    afterNextRender({ read }, { injector: this.injector });
    return undefined;
  }
}
