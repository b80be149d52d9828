import { ChangeDetectionStrategy, Component, inject, signal } from '@angular/core';
import { MatButtonModule } from '@angular/material/button';
import { Api, type ApiError } from '../core/api';
import { ApiKey } from '../core/api-key';

/** Asks for the API key of a server that wants one. */
@Component({
  selector: 'ccv-sign-in-page',
  imports: [MatButtonModule],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<form class="card" (submit)="submit($event, key.value.trim(), remember.checked)">
    <h1>API key</h1>
    <p class="muted">This server answers those with a key only. Whoever runs it has set it as <code>API_KEYS</code>.</p>
    <label>
      Key
      <input #key type="password" name="key" autocomplete="current-password" required [attr.aria-invalid]="problem() !== null" aria-describedby="problem" />
    </label>
    <label class="check"><input #remember type="checkbox" /> Remember it on this device</label>
    <p id="problem" role="alert">{{ problem() }}</p>
    <button matButton="filled" type="submit" [disabled]="isChecking()">Open the console</button>
  </form>`,
  styles: `
    :host {
      display: grid;
      place-items: center;
      min-height: 60vh;
    }
    form {
      display: grid;
      gap: 12px;
      width: min(420px, 100%);
      box-sizing: border-box;
    }
    p {
      margin: 0;
    }
    label {
      display: grid;
      gap: 4px;
    }
    .check {
      display: flex;
      gap: 8px;
    }
    #problem {
      color: var(--ccv-error);
      min-height: 1.4em;
    }
  `,
})
export class SignInPage {
  private readonly api = inject(Api);
  private readonly apiKey = inject(ApiKey);
  protected readonly problem = signal<string | null>(null);
  protected readonly isChecking = signal(false);

  protected async submit(event: Event, key: string, remember: boolean): Promise<void> {
    event.preventDefault();
    this.isChecking.set(true);
    this.problem.set(null);
    try {
      if (await this.api.accepts(key)) this.apiKey.accept(key, remember);
      else this.problem.set('The server does not know this key.');
    } catch (error) {
      this.problem.set((error as ApiError).message);
    } finally {
      this.isChecking.set(false);
    }
  }
}
