import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ArtifactAccess, S3Access } from './artifact.ts';
import { jarName } from './artifact-uri.ts';
import { artifactFetcher } from './fetch-artifact.ts';
import { s3Request } from './s3-request.ts';

const JAR = Buffer.from('PK the bytes of a jar');
const SHA256 = createHash('sha256').update(JAR).digest('hex');
const NOW = Date.parse('2013-05-24T00:00:00Z');

const OPEN: ArtifactAccess = {
  allowedSchemes: ['https', 'http', 'file', 's3'],
  restrictHosts: false,
  maxBytes: 1_000,
  headers: new Map(),
  s3: undefined,
};

const fetcher = artifactFetcher({ now: () => NOW });

async function read(uri: string, access: Partial<ArtifactAccess> = {}): Promise<string> {
  const { signal } = new AbortController();
  const pieces: Uint8Array[] = [];
  for await (const piece of await fetcher({ uri, access: { ...OPEN, ...access }, signal })) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

describe('A jar', () => {
  let server: Server;
  let origin: string;
  let folder: string;
  const seen: IncomingMessage[] = [];

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    seen.push(request);
    const path = request.url ?? '';
    if (path.startsWith('/moved')) response.writeHead(302, { location: '/job.jar' }).end();
    else if (path.startsWith('/elsewhere'))
      response.writeHead(302, { location: `${origin.replace('127.0.0.1', 'localhost')}/job.jar` }).end();
    else if (path.startsWith('/round')) response.writeHead(302, { location: '/round' }).end();
    else if (path.startsWith('/file')) response.writeHead(302, { location: 'file:///etc/hostname' }).end();
    else if (path.startsWith('/private')) response.writeHead(403).end();
    else if (path.startsWith('/broken'))
      response.writeHead(200, { 'content-length': '100' }).write(JAR, () => response.destroy());
    else if (path.startsWith('/endless')) response.writeHead(200).end(Buffer.alloc(2_000));
    else if (path.includes('job.jar')) response.writeHead(200, { 'content-length': String(JAR.length) }).end(JAR);
    else response.writeHead(404).end();
  };

  beforeAll(async () => {
    server = createServer(answer);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    folder = mkdtempSync(join(tmpdir(), 'drey-artifact-'));
    writeFileSync(join(folder, 'job.jar'), JAR);
    writeFileSync(join(folder, 'secret.txt'), 'secret');
  });
  afterAll(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });

  test('comes over http, with the headers that are configured', async () => {
    expect(await read(`${origin}/job.jar`, { headers: new Map([['Authorization', 'Bearer t']]) })).toBe(JAR.toString());
    expect(seen.at(-1)?.headers.authorization).toBe('Bearer t');
  });

  test('comes with the user of its address', async () => {
    await read(`${origin.replace('//', '//me:pass@')}/job.jar`);
    expect(seen.at(-1)?.headers.authorization).toBe(`Basic ${Buffer.from('me:pass').toString('base64')}`);
  });

  test('comes after a redirect; headers go to the host they were meant for only', async () => {
    const headers = new Map([['authorization', 'Bearer t']]);
    expect(await read(`${origin}/moved`, { headers })).toBe(JAR.toString());
    expect(seen.at(-1)?.headers.authorization).toBe('Bearer t');
    await read(`${origin}/elsewhere`, { headers });
    expect(seen.at(-1)?.headers.authorization).toBeUndefined();
  });

  test('comes from a file', async () => {
    expect(await read(`file://${folder}/job.jar`)).toBe(JAR.toString());
  });

  test('is checked against the checksum after its address', async () => {
    expect(await read(`${origin}/job.jar#sha256=${SHA256}`)).toBe(JAR.toString());
    await expect(read(`${origin}/job.jar#sha256=${'0'.repeat(64)}`)).rejects.toMatchObject({
      code: 'E_ARTIFACT_CHECKSUM',
    });
    await expect(read(`${origin}/job.jar#md5=abc`)).rejects.toMatchObject({ code: 'E_ARTIFACT_URI' });
  });

  test.each([
    ['that is not there', (): string => `${origin}/nothing`, {}, 'E_ARTIFACT_NOT_FOUND'],
    ['that may not be read', (): string => `${origin}/private`, {}, 'E_ARTIFACT_REFUSED'],
    ['that breaks off', (): string => `${origin}/broken`, {}, 'E_ARTIFACT_UNREACHABLE'],
    ['that leads round and round', (): string => `${origin}/round`, {}, 'E_ARTIFACT_UNREACHABLE'],
    ['that leads to a file', (): string => `${origin}/file`, {}, 'E_ARTIFACT_SCHEME'],
    ['where nobody listens', (): string => 'http://127.0.0.1:1/job.jar', {}, 'E_ARTIFACT_UNREACHABLE'],
    ['that is larger than it says', (): string => `${origin}/endless`, {}, 'E_ARTIFACT_TOO_LARGE'],
    ['that says that it is too large', (): string => `${origin}/job.jar`, { maxBytes: 5 }, 'E_ARTIFACT_TOO_LARGE'],
    ['on a private host', (): string => `${origin}/job.jar`, { restrictHosts: true }, 'E_ARTIFACT_HOST'],
    [
      'on a name that resolves to one',
      (): string => origin.replace('127.0.0.1', 'localhost'),
      { restrictHosts: true },
      'E_ARTIFACT_HOST',
    ],
    [
      'of a scheme that is not allowed',
      (): string => `${origin}/job.jar`,
      { allowedSchemes: ['https'] },
      'E_ARTIFACT_SCHEME',
    ],
    ['in a bucket without credentials', (): string => 's3://bucket/job.jar', {}, 'E_ARTIFACT_CREDENTIALS'],
    ['that is a file, but no jar', (): string => `file://${folder}/secret.txt`, {}, 'E_ARTIFACT_REFUSED'],
    ['that is a file which is not there', (): string => `file://${folder}/none.jar`, {}, 'E_ARTIFACT_NOT_FOUND'],
    [
      'that is a file which is too large',
      (): string => `file://${folder}/job.jar`,
      { maxBytes: 5 },
      'E_ARTIFACT_TOO_LARGE',
    ],
  ] as const)('%s is refused with a code and a next step', async (_what, uri, access, code) => {
    await expect(read(uri(), access)).rejects.toMatchObject({ code, nextStep: expect.stringMatching(/\.$/) });
  });

  test('is named in errors without its credentials and its query', async () => {
    const secret = `${origin.replace('//', '//me:hunter2@')}/nothing?signature=hunter2`;
    await expect(read(secret)).rejects.toSatisfy((error: Error) => !error.message.includes('hunter2'));
  });

  test('in a bucket is asked for with a signature', async () => {
    const s3: S3Access = {
      ...{ accessKey: 'key', secretKey: 'secret', sessionToken: undefined, region: 'us-east-1' },
      ...{ endpoint: origin, pathStyle: true },
    };
    expect(await read('s3://bucket/jars/job.jar', { s3, restrictHosts: true })).toBe(JAR.toString());
    expect(seen.at(-1)?.url).toBe('/bucket/jars/job.jar');
    expect(seen.at(-1)?.headers.authorization).toMatch(
      /^AWS4-HMAC-SHA256 Credential=key\/20130524\/us-east-1\/s3\/aws4_request/,
    );
  });
});

test('A signature is computed as Amazon documents it', () => {
  // The key pair is the one of Amazon's public examples.
  const access: S3Access = {
    ...{
      accessKey: 'AKIAIOSFODNN7EXAMPLE',
      secretKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
      sessionToken: undefined,
    },
    ...{ region: 'us-east-1', endpoint: undefined, pathStyle: false },
  };
  const { url, headers } = s3Request('examplebucket', 'jars/my job.jar', access, NOW);
  expect(url.href).toBe('https://examplebucket.s3.us-east-1.amazonaws.com/jars/my%20job.jar');
  expect(headers['x-amz-date']).toBe('20130524T000000Z');
  // Computed apart from this code, by a program that also gives the signature of Amazon's own example.
  const signature = '5fbe3afc23d5097efc0fd78f19307b0617dc279c636dbe65287b91f0ecd8d2ee';
  expect(headers.authorization).toBe(
    'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, ' +
      `SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=${signature}`,
  );
});

test.each([
  ['https://jars.example.com/a/job.jar?x=1#sha256=0', 'job.jar'],
  ['https://jars.example.com/download', 'download.jar'],
  ['https://jars.example.com/', 'job.jar'],
  ['s3://bucket/päth/my job.jar', 'my_20job.jar'],
])('The jar of %s is called %s at Flink', (uri, name) => {
  expect(jarName(uri).replaceAll('%', '_')).toBe(name);
});
