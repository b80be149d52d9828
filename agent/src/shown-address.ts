/** A target's address as tags and logs may have it: of a URL no credentials, no values of parameters, and nothing behind a `#`. */
export function shownAddress(address: string): string {
  return address
    .replace(/^((?:\w+:)?[\\/]+|https?:)?[^\\/?#]*@/i, '$1')
    .replace(/#.*/s, '')
    .replace(/\?.*/s, (query) => query.replace(/=[^&]*/g, '=*'));
}
