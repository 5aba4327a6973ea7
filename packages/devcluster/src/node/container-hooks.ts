import type { Clock, Container } from '@drey/kube';
import type { PodSandbox, RunningContainer } from './runtime.ts';

export interface StopInput {
  readonly clock: Clock;
  readonly container: Container;
  readonly handle: RunningContainer;
  readonly sandbox: PodSandbox | undefined;
  readonly graceSeconds: number;
}

/** preStop hook, TERM, and KILL when the grace period is over. Resolves when the container ended. */
export async function stopContainer(input: StopInput): Promise<void> {
  const { clock, container, handle, sandbox, graceSeconds } = input;
  const cancel = clock.after(graceSeconds * 1000, () => handle.kill('SIGKILL'));
  const hook = container.lifecycle?.preStop;
  if (hook !== undefined && graceSeconds > 0 && sandbox !== undefined) {
    const seconds = hook.sleep?.seconds;
    const ran: Promise<unknown> =
      seconds === undefined
        ? sandbox.probe(container, hook, graceSeconds * 1000)
        : new Promise<void>((resolve) => clock.after(seconds * 1000, resolve));
    await Promise.race([ran, handle.exited]);
  }
  handle.kill('SIGTERM');
  await handle.exited;
  cancel();
}

/** Runs the postStart hook. Resolves with a message when it failed: the container is to be killed then. */
export async function postStart(
  container: Container,
  sandbox: PodSandbox | undefined,
  graceSeconds: number,
): Promise<string | undefined> {
  const hook = container.lifecycle?.postStart;
  if (hook === undefined || hook.sleep !== undefined || sandbox === undefined) return undefined;
  const outcome = await sandbox.probe(container, hook, graceSeconds * 1000);
  return outcome.ok ? undefined : outcome.message;
}
