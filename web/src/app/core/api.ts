import { inject, Injectable } from '@angular/core';
import { ApiKey } from './api-key';
import { Clock } from './clock';

const BASE = '/api/v1';

/** One value, several of the same name, or nothing (left out). */
export type Params = Readonly<Record<string, string | number | boolean | readonly string[] | null | undefined>>;

/** A request that did not go well: refused by the server (its words), or never answered. */
export class ApiError extends Error {
  constructor(
    /** 0: the server could not be reached. */
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details: readonly { readonly field?: string; readonly message: string }[] = [],
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

/** The documented REST API. Every method throws ApiError, or the signal's reason when it was aborted. */
@Injectable({ providedIn: 'root' })
export class Api {
  private readonly key = inject(ApiKey);
  private readonly clock = inject(Clock);

  get<T>(path: string, params: Params = {}, signal?: AbortSignal): Promise<T> {
    return this.json<T>(`${BASE}${path}${queryOf(params)}`, { signal: signal ?? null });
  }

  post<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
    return this.send<T>('POST', path, body, signal);
  }

  put<T>(path: string, body: unknown): Promise<T> {
    return this.send<T>('PUT', path, body);
  }

  delete<T>(path: string): Promise<T> {
    return this.json<T>(`${BASE}${path}`, { method: 'DELETE' });
  }

  /** An answer outside of the API's prefix, as text: the server's own figures. */
  text(path: string, signal?: AbortSignal): Promise<string> {
    return this.request(path, { signal: signal ?? null }, (response) => response.text());
  }

  /** Whether the server takes this key. */
  async accepts(key: string): Promise<boolean> {
    // Nothing else fits into a header.
    if (!/^[\x21-\x7e]+$/.test(key)) return false;
    try {
      await this.exchange(`${BASE}/info`, { headers: { 'X-API-Key': key } }, () => Promise.resolve());
      return true;
    } catch (error) {
      if ((error as ApiError).status === 401) return false;
      throw error;
    }
  }

  private send<T>(method: string, path: string, body: unknown, signal?: AbortSignal): Promise<T> {
    const headers = { 'Content-Type': 'application/json' };
    return this.json<T>(`${BASE}${path}`, { method, body: JSON.stringify(body), headers, signal: signal ?? null });
  }

  private json<T>(url: string, init: RequestInit): Promise<T> {
    return this.request(url, init, (response) => response.json() as Promise<T>);
  }

  private async request<T>(url: string, init: RequestInit, read: (response: Response) => Promise<T>): Promise<T> {
    const key = this.key.value();
    const headers = { ...(init.headers as Record<string, string> | undefined), ...(key !== null && { 'X-API-Key': key }) };
    try {
      return await this.exchange(url, { ...init, headers }, read);
    } catch (error) {
      // A key that was changed meanwhile is not what was refused.
      if ((error as Partial<ApiError>).status === 401 && key === this.key.value()) this.key.isNeeded.set(true);
      throw error;
    }
  }

  /** An answer that breaks off is none. */
  private async exchange<T>(url: string, init: RequestInit, read: (response: Response) => Promise<T>): Promise<T> {
    const askedMs = Date.now();
    try {
      const response = await fetch(url, init);
      this.clock.hear({ serverMs: Date.parse(response.headers.get('Date') ?? ''), askedMs, answeredMs: Date.now() });
      if (!response.ok) throw await errorOf(response);
      return await read(response);
    } catch (error) {
      if (error instanceof ApiError || init.signal?.aborted === true) throw error;
      throw new ApiError(0, 'unreachable', 'The server cannot be reached.');
    }
  }
}

/** The query string with its question mark; empty when there is nothing to ask for. */
export function queryOf(params: Params): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value === null || value === undefined || value === '') continue;
    if (typeof value === 'object') for (const one of value) query.append(name, one);
    else query.set(name, String(value));
  }
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

async function errorOf(response: Response): Promise<ApiError> {
  const { status } = response;
  try {
    const { error } = (await response.json()) as { error: { code: string; message: string; details?: ApiError['details'] } };
    return new ApiError(status, error.code, error.message, error.details ?? []);
  } catch {
    return new ApiError(status, 'unknown', `The server answered with ${status} ${response.statusText}.`);
  }
}
