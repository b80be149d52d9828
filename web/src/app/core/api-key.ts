import { Injectable, signal } from '@angular/core';

const NAME = 'ccv.api-key';

/**
 * The API key that a server with `API_KEYS` asks for. It lives as long as the tab, or on this device when asked to; it goes
 * into the header of each request and, where browsers cannot set headers (the live channel), into the address.
 */
@Injectable({ providedIn: 'root' })
export class ApiKey {
  /** Null: none is known. */
  readonly value = signal<string | null>(stored());
  /** The server has refused what it got: somebody must enter a key. */
  readonly isNeeded = signal(false);

  /** Takes a key that the server has accepted. */
  accept(key: string, remember: boolean): void {
    this.forget();
    write(remember ? () => localStorage : () => sessionStorage, key);
    this.value.set(key);
    this.isNeeded.set(false);
  }

  /** From here and from this device. */
  forget(): void {
    for (const storage of [() => localStorage, () => sessionStorage]) write(storage, null);
    this.value.set(null);
  }
}

/** Storage may be forbidden altogether: the key then lives as long as the page. */
function write(storage: () => Storage, key: string | null): void {
  try {
    if (key === null) storage().removeItem(NAME);
    else storage().setItem(NAME, key);
  } catch {
    return;
  }
}

function stored(): string | null {
  try {
    return sessionStorage.getItem(NAME) ?? localStorage.getItem(NAME);
  } catch {
    return null;
  }
}
