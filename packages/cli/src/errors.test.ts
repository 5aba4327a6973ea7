import { readFileSync } from 'node:fs';
import { FlinkError } from '@drey/flink';
import { KubeconfigError, KubeError } from '@drey/kube';
import { ManifestError } from '@drey/manifests';
import { describe, expect, it } from 'vitest';
import { CliError, describeError, exitCodes } from './errors.ts';

/** What a failing call of the file system gives, as it really looks. */
function systemError(path: string, code?: string): unknown {
  try {
    readFileSync(path);
  } catch (error) {
    return Object.assign(error as Error, code === undefined ? {} : { code });
  }
  throw new Error(`${path} can be read`);
}

describe('describeError', () => {
  it.each([
    [new CliError('E_CLI_JAR', 'there is no jar', 'Name one.', 'notFound'), 'E_CLI_JAR', 'notFound'],
    [new KubeError('E_KUBE_NOT_FOUND', 'not found'), 'E_KUBE_NOT_FOUND', 'notFound'],
    [new KubeError('E_KUBE_FORBIDDEN', 'no'), 'E_KUBE_FORBIDDEN', 'notAllowed'],
    [new KubeError('E_KUBE_UNREACHABLE', 'refused'), 'E_KUBE_UNREACHABLE', 'unreachable'],
    [new KubeconfigError('E_KUBECONFIG_INVALID', 'broken', 'Mend it.'), 'E_KUBECONFIG_INVALID', 'invalid'],
    [new FlinkError('E_FLINK_MEMORY', 'too small', 'Give more.'), 'E_FLINK_MEMORY', 'invalid'],
    [new FlinkError('E_FLINK_INSTALL', 'out of reach', 'Try later.'), 'E_FLINK_INSTALL', 'failed'],
    [new ManifestError('E_SPEC_MEMORY', 'no size', 'Write 1g.'), 'E_SPEC_MEMORY', 'invalid'],
  ] as const)('gives %s its code, a next step and an exit code', (error, code, exit) => {
    const { text, exitCode } = describeError(error);
    expect(text).toMatch(new RegExp(`^error: .* \\[${code}\\]\n {2}next: .+\n$`));
    expect(exitCode).toBe(exitCodes[exit]);
  });

  it('tells a full disk and a refused path from a fault', () => {
    expect(describeError(systemError('/nowhere', 'ENOSPC')).text).toContain('/nowhere [E_DISK_FULL]\n  next: Free');
    expect(describeError(systemError(import.meta.dirname)).text).toContain('[E_FILE_ACCESS]\n  next: ');
  });

  it('shows the stack of what nobody expected, for a report', () => {
    expect(describeError(new TypeError('x is not a function')).text).toMatch(/^unexpected error: TypeError.*\n +at /);
  });
});
