import type { Container, ManifestObject, Pod } from '../kubernetes/objects.ts';
import { MAIN_CONTAINER_NAME } from '../native/constants.ts';

/**
 * Deletes results in the directories it is given, and each directory when nothing else is in it. It cannot fail, since a kubelet
 * kills a container whose hook fails, and it waits five seconds at most: storage that hangs keeps no container from being seen
 * to run. Paths are arguments, so no shell reads them. Results are the only files with this ending; a link is not followed, and
 * what lies in a folder below is left alone.
 */
const SCRIPT =
  '(for d in "$@"; do if [ -d "$d" ] && [ ! -L "$d" ]; then rm -f -- "$d"/*.json; rmdir -- "$d"; fi; done)' +
  ' </dev/null >/dev/null 2>&1 &' +
  ' for i in {1..50}; do kill -0 "$!" 2>/dev/null || break; sleep 0.1; done; true';

/**
 * A JobManager's Deployment whose main container deletes results of earlier starts while Flink starts. One that has something
 * of its own to do then is left as it is.
 */
export function withResultCleanup(deployment: ManifestObject, directories: readonly string[]): ManifestObject {
  const spec = deployment.spec as { readonly template: Pod };
  const containers = spec.template.spec?.containers ?? [];
  if (directories.length === 0 || hasPostStart(spec.template)) return deployment;
  const hook = { exec: { command: ['bash', '-c', SCRIPT, 'result-cleanup', ...directories] } };
  const changed = containers.map((container) =>
    container.name === MAIN_CONTAINER_NAME
      ? { ...container, lifecycle: { ...lifecycleOf(container), postStart: hook } }
      : container,
  );
  const template = { ...spec.template, spec: { ...spec.template.spec, containers: changed } };
  return { ...deployment, spec: { ...spec, template } };
}

/** Whether a pod, or a template of one, has something of its own to do when Flink's container starts. */
export function hasPostStart(template: Pod | undefined): boolean {
  const main = (template?.spec?.containers ?? []).filter(({ name }) => name === MAIN_CONTAINER_NAME);
  return main.some((container) => (lifecycleOf(container).postStart ?? null) !== null);
}

function lifecycleOf(container: Container): Readonly<Record<string, unknown>> {
  const { lifecycle } = container;
  return typeof lifecycle === 'object' && lifecycle !== null ? (lifecycle as Record<string, unknown>) : {};
}
