import helmet from 'helmet';
import type { RequestHandler } from 'express';

/**
 * Helmet for an API and for a console served from `/`: scripts only from ourselves, never inline. Styles may be
 * inline, because component frameworks insert them. 'self' covers the live channel, too: WebSockets to the page's own
 * host, since Chrome 71 and Safari 16; older ones cannot run the console anyway. Not sent: HSTS and `upgrade-insecure-requests`, which are for
 * whoever terminates TLS to decide. Pop-ups may keep their opener: Google's sign-in needs it.
 */
export function securityHeaders(): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        scriptSrc: ["'self'"],
        scriptSrcAttr: ["'none'"],
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:'],
        fontSrc: ["'self'"],
        connectSrc: ["'self'"],
        objectSrc: ["'none'"],
        baseUri: ["'self'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
    crossOriginOpenerPolicy: { policy: 'same-origin-allow-popups' },
    strictTransportSecurity: false,
  });
}
