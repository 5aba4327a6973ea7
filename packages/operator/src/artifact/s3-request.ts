import { createHash, createHmac } from 'node:crypto';
import { ArtifactError, type S3Access } from './artifact.ts';

/** A signed request for one object. */
export interface S3Request {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
}

const EMPTY_BODY = createHash('sha256').update('').digest('hex');

/** Signs a read of `s3://bucket/key` with Amazon's signature version 4. `now` in epoch milliseconds. */
export function s3Request(bucket: string, key: string, access: S3Access, now: number): S3Request {
  const url = addressOf(bucket, key, access);
  const stamp = new Date(now).toISOString().replace(/[-:]|\.\d+/g, '');
  const headers: Record<string, string> = {
    host: url.host,
    'x-amz-content-sha256': EMPTY_BODY,
    'x-amz-date': stamp,
    ...(access.sessionToken === undefined ? {} : { 'x-amz-security-token': access.sessionToken }),
  };
  const names = Object.keys(headers).sort();
  const signed = names.join(';');
  const canonical = [
    'GET',
    url.pathname,
    '',
    ...names.map((name) => `${name}:${headers[name]}`),
    '',
    signed,
    EMPTY_BODY,
  ];
  const scope = `${stamp.slice(0, 8)}/${access.region}/s3/aws4_request`;
  const digest = createHash('sha256').update(canonical.join('\n')).digest('hex');
  const text = ['AWS4-HMAC-SHA256', stamp, scope, digest].join('\n');
  const secret = scope.split('/').reduce<string | Buffer>((from, part) => hmac(from, part), `AWS4${access.secretKey}`);
  const signature = hmac(secret, text).toString('hex');
  const authorization = `AWS4-HMAC-SHA256 Credential=${access.accessKey}/${scope}, SignedHeaders=${signed}, Signature=${signature}`;
  return { url, headers: { ...headers, authorization } };
}

function addressOf(bucket: string, key: string, { endpoint, region, pathStyle }: S3Access): URL {
  const base = URL.parse(withScheme(endpoint ?? `s3.${region}.amazonaws.com`));
  if (base === null || bucket === '' || key === '') {
    throw new ArtifactError('E_ARTIFACT_URI', 'An address in a bucket is s3://bucket/path/name.jar.');
  }
  if (!pathStyle) base.host = `${bucket}.${base.host}`;
  const prefix = base.pathname.replace(/\/+$/, '');
  base.pathname = `${prefix}${pathStyle ? `/${encoded(bucket)}` : ''}/${key.split('/').map(encoded).join('/')}`;
  return base;
}

function withScheme(endpoint: string): string {
  return /^https?:\/\//.test(endpoint) ? endpoint : `https://${endpoint}`;
}

/** Percent-encoding as signatures want it, which is stricter than that of addresses. */
function encoded(part: string): string {
  return encodeURIComponent(decoded(part)).replace(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
