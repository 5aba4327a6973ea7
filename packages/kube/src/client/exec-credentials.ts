import { execFile } from 'node:child_process';
import { type Clock, systemClock } from '../runtime/clock.ts';
import type { CredentialSource, Credentials } from './credentials.ts';
import { KubeconfigError } from './kubeconfig-error.ts';

/** The `exec` member of a kubeconfig user. */
export interface ExecConfig {
  readonly apiVersion?: string;
  readonly command?: string;
  readonly args?: readonly string[] | null;
  readonly env?: readonly { readonly name: string; readonly value: string }[] | null;
  readonly installHint?: string;
  readonly provideClusterInfo?: boolean;
  readonly interactiveMode?: string;
}

/** Runs a program and gives its standard output; rejects with its exit or time-out. */
export type RunProgram = (
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
) => Promise<string>;

const VERSIONS = ['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1'];
const PROGRAM_MS = 60_000;
const PROGRAM_BYTES = 1024 * 1024;
/** Fetched anew this long before the end, so that a request under way does not meet it. */
const BEFORE_EXPIRY_MS = 30_000;

/**
 * Credentials from a program (client-go credential plugins, `ExecCredential` v1 and v1beta1).
 *
 * Guarantees: the program runs once at a time, is never interactive, and again only after its expiry or a 401.
 * Failure: E_KUBECONFIG_CREDENTIALS, with the configured installation hint when the program is missing.
 */
export function execCredentials(
  exec: ExecConfig,
  cluster: Readonly<Record<string, unknown>>,
  options: { readonly run?: RunProgram; readonly clock?: Clock } = {},
): CredentialSource {
  const { run = runProgram, clock = systemClock } = options;
  const { command, apiVersion = '' } = exec;
  if (command === undefined || !VERSIONS.includes(apiVersion)) {
    throw new KubeconfigError(
      'E_KUBECONFIG_INVALID',
      `the exec plugin needs a command and one of the versions ${VERSIONS.join(', ')}`,
      'Update the exec section of the user in the kubeconfig; the plugin documents which version it speaks.',
    );
  }
  if (exec.interactiveMode === 'Always') {
    throw new KubeconfigError(
      'E_KUBECONFIG_CREDENTIALS',
      `the exec plugin ${command} wants to ask at a terminal, which is not offered`,
      'Log in with the plugin once by hand, or use a user entry that needs no terminal.',
    );
  }
  const info = {
    apiVersion,
    kind: 'ExecCredential',
    spec: { interactive: false, ...(exec.provideClusterInfo === true && { cluster }) },
  };
  const env = Object.fromEntries((exec.env ?? []).map((e) => [e.name, e.value]));
  const fetch = async (): Promise<Held> => {
    const text = await run(command, exec.args ?? [], { ...env, KUBERNETES_EXEC_INFO: JSON.stringify(info) }).catch(
      (cause: unknown) => {
        throw new KubeconfigError(
          'E_KUBECONFIG_CREDENTIALS',
          `the exec plugin ${command} failed: ${cause instanceof Error ? cause.message : String(cause)}`,
          exec.installHint?.trim() || `Run ${command} by hand to see what it needs.`,
        );
      },
    );
    return parseCredential(text, command, apiVersion);
  };
  let held: Held | undefined;
  let fetching: Promise<Held> | undefined;
  return {
    async current() {
      if (held !== undefined && clock.now() < held.expiresAt - BEFORE_EXPIRY_MS) return held.credentials;
      fetching ??= fetch().finally(() => {
        fetching = undefined;
      });
      held = await fetching;
      return held.credentials;
    },
    refused() {
      held = undefined;
      return true;
    },
  };
}

interface Held {
  readonly credentials: Credentials;
  readonly expiresAt: number;
}

function parseCredential(text: string, command: string, apiVersion: string): Held {
  const bad = (what: string): KubeconfigError =>
    new KubeconfigError(
      'E_KUBECONFIG_CREDENTIALS',
      `the exec plugin ${command} ${what}`,
      `Run ${command} by hand to see.`,
    );
  let value: { kind?: unknown; apiVersion?: unknown; status?: Record<string, unknown> };
  try {
    value = JSON.parse(text) as typeof value;
  } catch {
    throw bad('did not print JSON');
  }
  if (value?.kind !== 'ExecCredential' || value.apiVersion !== apiVersion)
    throw bad(`did not print an ExecCredential of ${apiVersion}`);
  const { token, clientCertificateData, clientKeyData, expirationTimestamp } = value.status ?? {};
  const certificate = typeof clientCertificateData === 'string' && typeof clientKeyData === 'string';
  if (typeof token !== 'string' && !certificate)
    throw bad('printed neither a token nor a client certificate with its key');
  const expiresAt =
    typeof expirationTimestamp === 'string' ? Date.parse(expirationTimestamp) : Number.POSITIVE_INFINITY;
  if (Number.isNaN(expiresAt)) throw bad('printed an expirationTimestamp that is not a time');
  return {
    credentials: {
      headers: typeof token === 'string' ? { authorization: `Bearer ${token}` } : {},
      ...(certificate && { cert: clientCertificateData, key: clientKeyData }),
    },
    expiresAt,
  };
}

/** Runs the program without a shell and without a terminal; its standard error is quoted in short when it fails. */
const runProgram: RunProgram = (command, args, env) =>
  new Promise((resolve, reject) => {
    const child = execFile(
      command,
      [...args],
      { env: { ...process.env, ...env }, timeout: PROGRAM_MS, maxBuffer: PROGRAM_BYTES, encoding: 'utf8' },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else if ((error as NodeJS.ErrnoException).code === 'ENOENT') reject(new Error('it is not installed'));
        else
          reject(new Error(error.killed ? 'it took too long' : stderr.trim().slice(-300) || `exit code ${error.code}`));
      },
    );
    child.stdin?.end();
  });
