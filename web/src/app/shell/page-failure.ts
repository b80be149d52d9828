import { effect, inject, Injectable, signal, untracked } from '@angular/core';
import { type NavigationError, Router } from '@angular/router';
import { LiveChannel } from '../core/live-channel';

/**
 * A page whose code did not come: the server is away, or it is another one by now, which has other files. In the second case, and
 * as soon as the server is back, the browser loads the page from anew.
 */
@Injectable({ providedIn: 'root' })
export class PageFailure {
  private readonly live = inject(LiveChannel);
  private readonly router = inject(Router);
  private readonly failed = signal<string | null>(null);
  /** The address that could not be shown; null when all is well. */
  readonly address = this.failed.asReadonly();

  constructor() {
    effect(() => {
      this.live.comebacks();
      untracked(() => this.retry());
    });
  }

  /** Told by the router. */
  failedAt({ url }: NavigationError): void {
    this.failed.set(url);
    // Where not even the first page came, loading it again would change nothing.
    if (this.live.isLive() && this.router.navigated) this.retry();
  }

  /** Somebody went elsewhere instead. */
  forget(): void {
    this.failed.set(null);
  }

  retry(): void {
    const address = this.failed();
    // An address may begin with two slashes: alone it would lead to another host.
    if (address !== null) location.assign(location.origin + address);
  }
}
