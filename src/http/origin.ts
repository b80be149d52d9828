import { isLoopback } from '../model/loopback.js';

/** What decides which pages may come in. */
export interface PageRules {
  readonly frontendOrigins: readonly string[];
  /** Only this machine gets in, and without credentials: then a page's own word for where it is from is not enough. */
  readonly localOnly: boolean;
}

/**
 * May this server be called by this name? Any name will do where credentials decide. Where being on this machine is the
 * credential, a page of a stranger can lend itself that by letting its own name point to 127.0.0.1 (DNS rebinding): to
 * the browser we then are its own host. So only names that are nobody's count, and those of `frontendOrigins`.
 */
export function hostAllowed(hostHeader: string | undefined, { localOnly, frontendOrigins }: PageRules): boolean {
  // Without a Host it is HTTP/1.0, and no browser.
  if (!localOnly || hostHeader === undefined) return true;
  const own = `http://${hostHeader}`;
  if (!URL.canParse(own)) return false;
  const { hostname } = new URL(own);
  return isLoopback(hostname) || frontendOrigins.some((origin) => new URL(origin).hostname === hostname);
}

/**
 * May a page of this origin use the server? Programs send no Origin and are judged by their credentials alone.
 * A page may when it was served by this very host, or by one of `frontendOrigins`. Browsers send `null` for
 * pages without an origin of their own (files, sandboxed frames): those may not.
 */
export function originAllowed(origin: string | undefined, hostHeader: string | undefined, rules: PageRules): boolean {
  if (origin === undefined) return true;
  if (!URL.canParse(origin)) return false;
  const page = new URL(origin);
  if (page.protocol !== 'http:' && page.protocol !== 'https:') return false;
  return rules.frontendOrigins.includes(page.origin) || (isOwnHost(page, hostHeader) && hostAllowed(hostHeader, rules));
}

/** Compares as URLs, so that a default port that is spelt out on one side only makes no difference. */
function isOwnHost(page: URL, hostHeader: string | undefined): boolean {
  if (hostHeader === undefined) return false;
  const own = `${page.protocol}//${hostHeader}`;
  return URL.canParse(own) && new URL(own).origin === page.origin;
}
