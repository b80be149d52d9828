import { Injectable } from '@angular/core';

/** Ids for elements that name each other: no two are the same in a page. */
@Injectable({ providedIn: 'root' })
export class Ids {
  private made = 0;

  next(prefix: string): string {
    this.made += 1;
    return `${prefix}-${this.made}`;
  }
}
