/** `body` is sent as JSON unless it is a string or bytes. */
export interface ApiInit {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

export interface ApiAnswer<T = any> {
  readonly status: number;
  /** Parsed when the answer is JSON, else the text. */
  readonly body: T;
  readonly headers: Headers;
}

/** One HTTP request, its answer read to the end. */
export async function httpRequest<T = any>(url: string, init: ApiInit = {}): Promise<ApiAnswer<T>> {
  const { body, headers, ...rest } = init;
  const raw = typeof body === 'string' || body instanceof Uint8Array;
  const response = await fetch(url, {
    ...rest,
    headers: { ...(body !== undefined && !raw ? { 'content-type': 'application/json' } : {}), ...headers },
    ...(body === undefined ? {} : { body: raw ? (body as NonNullable<RequestInit['body']>) : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = (response.headers.get('content-type') ?? '').includes('json');
  return { status: response.status, body: (isJson && text !== '' ? JSON.parse(text) : text) as T, headers: response.headers };
}
