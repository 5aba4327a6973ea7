import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { formatFlinkVersion } from '../versions/version.ts';
import { downloadText, downloadVerified, hashFile, SourceUnavailable } from './download.ts';
import type { InstallRecord } from './installed.ts';
import type { ReportProgress } from './progress.ts';
import type { SourceRequest } from './pypi-source.ts';
import type { DistributionSystem } from './system.ts';

/** Current releases, and all older ones. `DREY_FLINK_MIRROR` names a server of the same layout that is asked instead. */
const SERVERS = ['https://downloads.apache.org/flink', 'https://archive.apache.org/dist/flink'];

/**
 * Downloads a release from Apache's download site, checks its published sha512, and unpacks it. Throws
 * `SourceUnavailable`.
 */
export async function installFromApache(
  system: DistributionSystem,
  request: SourceRequest,
  report: ReportProgress,
): Promise<InstallRecord['files']> {
  const version = formatFlinkVersion(request.version);
  const name = `flink-${version}-bin-scala_2.12.tgz`;
  const mirror = system.env.DREY_FLINK_MIRROR;
  const servers = mirror === undefined || mirror === '' ? SERVERS : [mirror.replace(/\/+$/, '')];
  const found = await firstWithChecksum(
    system,
    servers.map((server) => `${server}/flink-${version}/${name}`),
    request.signal,
  );
  return from(system, request, { ...found, name }, report);
}

/** Asks all servers at once, so that the whole source is given up after the time of one. */
async function firstWithChecksum(
  system: DistributionSystem,
  urls: readonly string[],
  signal: AbortSignal | undefined,
): Promise<{ readonly url: string; readonly sha512: string }> {
  const answers = await Promise.allSettled(urls.map((url) => checksumOf(system, url, signal)));
  signal?.throwIfAborted();
  const reasons: string[] = [];
  for (const [index, answer] of answers.entries()) {
    const url = urls[index] ?? '';
    if (answer.status === 'fulfilled') return { url, sha512: answer.value };
    if (!(answer.reason instanceof SourceUnavailable)) throw answer.reason;
    reasons.push(answer.reason.message);
  }
  throw new SourceUnavailable(reasons.join('; '));
}

async function checksumOf(system: DistributionSystem, url: string, signal: AbortSignal | undefined): Promise<string> {
  const published = await downloadText(system, `${url}.sha512`, signal);
  const sha512 = /\b[0-9a-f]{128}\b/i.exec(published)?.[0]?.toLowerCase();
  if (sha512 === undefined) throw new SourceUnavailable(`${url}.sha512 holds no checksum`);
  return sha512;
}

async function from(
  system: DistributionSystem,
  request: SourceRequest,
  file: { readonly url: string; readonly sha512: string; readonly name: string },
  report: ReportProgress,
): Promise<InstallRecord['files']> {
  const { signal } = request;
  const running = signal === undefined ? {} : { signal };
  const target = join(request.downloads, file.name);
  await downloadVerified(system, { url: file.url, target, sha512: file.sha512, ...running }, report);
  report({ kind: 'step', text: 'unpacking' });
  const args = ['-xzf', target, '-C', request.target, '--strip-components=1'];
  const tar = await system.run('tar', args, running);
  if (tar.code !== 0) throw new SourceUnavailable(`tar cannot unpack ${file.name}: ${tar.output.trim()}`);
  const sha256 = (await hashFile(target, 'sha256')) ?? '';
  await rm(target, { force: true });
  return [{ name: file.name, sha256, verifiedBy: `the published sha512 ${file.sha512}` }];
}
