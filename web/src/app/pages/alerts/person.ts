import { Injectable, signal } from '@angular/core';

/** Who acknowledges and silences: asked once, and known as long as the page is open. */
@Injectable({ providedIn: 'root' })
export class Person {
  readonly name = signal('');
}
