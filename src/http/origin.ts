/**
 * May a page of this origin use the server? Programs send no Origin and are judged by their credentials alone.
 * A page may when it was served by this very host, or by one of `frontendOrigins`. Browsers send `null` for
 * pages without an origin of their own (files, sandboxed frames): those may not.
 */
export function originAllowed(origin: string | undefined, hostHeader: string | undefined, frontendOrigins: readonly string[]): boolean {
  if (origin === undefined) return true;
  if (!URL.canParse(origin)) return false;
  const page = new URL(origin);
  if (page.protocol !== 'http:' && page.protocol !== 'https:') return false;
  return frontendOrigins.includes(page.origin) || isOwnHost(page, hostHeader);
}

/** Compares as URLs, so that a default port that is spelt out on one side only makes no difference. */
function isOwnHost(page: URL, hostHeader: string | undefined): boolean {
  if (hostHeader === undefined) return false;
  const own = `${page.protocol}//${hostHeader}`;
  return URL.canParse(own) && new URL(own).origin === page.origin;
}
