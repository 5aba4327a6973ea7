import { readFileSync } from 'node:fs';
import { httpTransport, type TlsFiles, tlsMaterial } from '@drey/flink';

/**
 * The way to Flink's REST endpoints. Where they speak TLS, trust and key come from the files that the environment names, by
 * the names the Apache operator has for them; they are read at each new connection.
 */
export function flinkTransport(environment: NodeJS.ProcessEnv = process.env): ReturnType<typeof httpTransport> {
  const files = tlsFiles(environment);
  return httpTransport(() => tlsMaterial(files, readIfPresent));
}

function tlsFiles(environment: NodeJS.ProcessEnv): TlsFiles {
  const { OPERATOR_TRUSTSTORE_PATH, OPERATOR_KEYSTORE_PATH, OPERATOR_KEYSTORE_PASSWORD } = environment;
  return {
    ...(OPERATOR_TRUSTSTORE_PATH ? { truststore: OPERATOR_TRUSTSTORE_PATH } : {}),
    ...(OPERATOR_KEYSTORE_PATH ? { keystore: OPERATOR_KEYSTORE_PATH } : {}),
    ...(OPERATOR_KEYSTORE_PASSWORD ? { keystorePassword: OPERATOR_KEYSTORE_PASSWORD } : {}),
  };
}

function readIfPresent(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
