import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { NoticeText } from './notice.stream.js';

/**
 * What a notice's text is known by: SHA-256, in hexadecimal, of its canonical JSON (RFC 8785) in UTF-8. Whoever holds
 * the text can make the same hash anywhere, so a consent that names it says what was shown (FRT-3).
 */
export const hashOf = (text: NoticeText): string =>
  createHash('sha256')
    .update(canonicalize(text) ?? '', 'utf8')
    .digest('hex');
