import { booleanType, type FlinkConfig, option, optionalOption, stringType } from '@drey/flink';
import type { S3Access } from './artifact.ts';

/** The keys by which Flink's own S3 file systems are configured. */
const s3Options = {
  accessKey: optionalOption('s3.access-key', stringType, { aliases: ['s3.access.key', 'fs.s3a.access.key'] }),
  secretKey: optionalOption('s3.secret-key', stringType, { aliases: ['s3.secret.key', 'fs.s3a.secret.key'] }),
  sessionToken: optionalOption('s3.session-token', stringType, { aliases: ['fs.s3a.session.token'] }),
  endpoint: optionalOption('s3.endpoint', stringType, { aliases: ['fs.s3a.endpoint'] }),
  region: option('s3.endpoint.region', stringType, 'us-east-1', { aliases: ['s3.region', 'fs.s3a.endpoint.region'] }),
  pathStyle: option('s3.path.style.access', booleanType, false, {
    aliases: ['s3.path-style-access', 'fs.s3a.path.style.access'],
  }),
} as const;

/** How buckets are read with a configuration; undefined when it has no credentials. */
export function s3AccessOf(config: FlinkConfig): S3Access | undefined {
  const accessKey = config.get(s3Options.accessKey);
  const secretKey = config.get(s3Options.secretKey);
  if (accessKey === undefined || secretKey === undefined) return undefined;
  return {
    accessKey,
    secretKey,
    sessionToken: config.get(s3Options.sessionToken),
    endpoint: config.get(s3Options.endpoint),
    region: config.get(s3Options.region),
    pathStyle: config.get(s3Options.pathStyle),
  };
}
